#include "naming/source_bucket.h"

#include <fnmatch.h>
#include <string.h>

#include "base/error.h"
#include "naming/source_list.h"
#include "remote/bucket_list.h"

typedef struct {
    ArecSourceList *list;
    const ArecUrl *url;
    const ArecRangeText *range;
    char *shown;         /* the URL */
    char *first_nowhere; /* a key that no directory can have; NULL: there is none */
    size_t n_nowhere;    /* such keys */
} Bucket;

/* ---- which objects are wanted ---- */

typedef enum {
    KEY_PLAIN,
    KEY_NOWHERE, /* a part cannot be a name in a directory */
    KEY_HIDDEN,  /* a part begins with a dot */
} KeyKind;

static KeyKind
kind_of_part (const char *part, size_t length)
{
    if (length == 0 || length > AREC_URL_MAX_NAME || (length == 1 && part[0] == '.') ||
        (length == 2 && part[0] == '.' && part[1] == '.')) {
        return KEY_NOWHERE;
    }
    return part[0] == '.' ? KEY_HIDDEN : KEY_PLAIN;
}

/* The last of the kinds of the parts of @path. */
static KeyKind
kind_of_path (const char *path)
{
    KeyKind kind = KEY_PLAIN;

    for (;;) {
        size_t length = strcspn (path, "/");

        kind = MAX (kind, kind_of_part (path, length));
        if (path[length] == '\0') {
            return kind;
        }
        path += length + 1;
    }
}

static const char *
last_part (const char *key)
{
    const char *slash = strrchr (key, '/');

    return slash ? slash + 1 : key;
}

/* Notes @key, which counts, if no directory can have it. Returns whether one can. */
static bool
has_place (Bucket *bucket, const char *key, KeyKind kind)
{
    if (kind == KEY_NOWHERE && bucket->n_nowhere++ == 0) {
        bucket->first_nowhere = g_strdup (key);
    }
    return kind != KEY_NOWHERE;
}

/* As a scan of a directory: what is hidden, or of another name, is passed over. An object that
 * ends in `/` stands for a directory, and directories are made of what is in them. */
static bool
takes_below (void *data, const ArecListedObject *object)
{
    Bucket *bucket = data;
    KeyKind kind = kind_of_path (object->key + bucket->url->prefix);

    return kind != KEY_HIDDEN &&
           arec_source_list_takes_name (bucket->list, last_part (object->key)) &&
           has_place (bucket, object->key, kind);
}

/* As glob (): no wildcard matches a slash, or a dot at the start of a name. */
static bool
takes_match (void *data, const ArecListedObject *object)
{
    Bucket *bucket = data;
    const char *name = last_part (object->key);

    return *name != '\0' &&
           fnmatch (bucket->url->key, object->key, FNM_PATHNAME | FNM_PERIOD) == 0 &&
           has_place (bucket, object->key, kind_of_part (name, strlen (name)));
}

/* ---- what is left out ---- */

static void
note_nowhere (const Bucket *bucket, size_t n_without_url)
{
    size_t n = bucket->n_nowhere + n_without_url;
    g_autofree char *reason = NULL;

    if (n == 0) {
        return;
    }
    reason = bucket->first_nowhere
                 ? g_strdup_printf ("%zu keys that no directory can have, such as %s", n,
                                    bucket->first_nowhere)
                 : g_strdup_printf ("%zu keys that no directory can have", n);
    arec_source_list_add_note (bucket->list, AREC_NOTE_LEFT_OUT, bucket->shown, reason);
}

static void
note_shadowed (const Bucket *bucket, size_t n, const char *first)
{
    g_autofree char *reason = g_strdup_printf (
        "%zu objects whose keys are also those of directories, such as %s", n, first);

    arec_source_list_add_note (bucket->list, AREC_NOTE_LEFT_OUT, bucket->shown, reason);
}

/* Keys, sorted, each of which begins with the one before. */
typedef struct {
    const ArecObjectList *objects;
    GArray *numbers; /* of size_t: of the objects */
} Nested;

static const char *
nested_key (const Nested *nested, guint i)
{
    return arec_object_list_get (nested->objects, g_array_index (nested->numbers, size_t, i))
        .key;
}

/* Takes object @i, and those away that it does not begin with. */
static void
nest (Nested *nested, size_t i)
{
    const char *key = arec_object_list_get (nested->objects, i).key;
    guint n = nested->numbers->len;

    while (n > 0 && !g_str_has_prefix (key, nested_key (nested, n - 1))) {
        n--;
    }
    g_array_set_size (nested->numbers, n);
    g_array_append_val (nested->numbers, i);
}

/* Sets @is_shadowed for each object whose key, with a slash, others begin with. */
static void
find_shadowed (const ArecObjectList *objects, bool *is_shadowed)
{
    Nested nested = {objects, g_array_new (FALSE, FALSE, sizeof (size_t))};

    for (size_t i = 0; i < arec_object_list_n (objects); i++) {
        const char *key = arec_object_list_get (objects, i).key;

        nest (&nested, i);
        for (guint above = 0; above + 1 < nested.numbers->len; above++) {
            if (key[strlen (nested_key (&nested, above))] == '/') {
                is_shadowed[g_array_index (nested.numbers, size_t, above)] = true;
            }
        }
    }
    g_array_unref (nested.numbers);
}

/* ---- the files ---- */

/* @base  the URL of the bucket, with a slash. */
static bool
add_object (const Bucket *bucket, const char *base, const ArecListedObject *object,
            GError **error)
{
    bool is_below = bucket->url->form == AREC_URL_PREFIX;
    const char *name = is_below ? object->key + bucket->url->prefix : last_part (object->key);

    return arec_source_list_add_listed (bucket->list,
                                        is_below ? AREC_SOURCE_DIRECTORY : AREC_SOURCE_GLOB,
                                        base, name, object, bucket->range, error);
}

static bool
add_objects (const Bucket *bucket, const ArecObjectList *objects, GError **error)
{
    size_t n = arec_object_list_n (objects), n_shadowed = 0, first = 0;
    g_autofree bool *is_shadowed = g_new0 (bool, n);
    g_autofree char *base =
        g_strndup (bucket->shown, strlen (bucket->shown) - strlen (bucket->url->key));

    if (bucket->url->form == AREC_URL_PREFIX) {
        find_shadowed (objects, is_shadowed);
    }
    for (size_t i = 0; i < n; i++) {
        const ArecListedObject object = arec_object_list_get (objects, i);

        if (is_shadowed[i]) {
            first = n_shadowed++ == 0 ? i : first;
        } else if (!add_object (bucket, base, &object, error)) {
            return false;
        }
    }
    if (n_shadowed > 0) {
        note_shadowed (bucket, n_shadowed, arec_object_list_get (objects, first).key);
    }
    return true;
}

static bool
fail_empty (const Bucket *bucket, GError **error)
{
    if (bucket->url->form == AREC_URL_GLOB) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: no object matches", bucket->shown);
    }
    return arec_fail (error, AREC_ERROR_NOT_FOUND, "no ArrayRecord files below %s",
                      bucket->shown);
}

static bool
add_listing (Bucket *bucket, GError **error)
{
    const ArecUrl *url = bucket->url;
    bool is_glob = url->form == AREC_URL_GLOB;
    const ArecBucketWish wish = {.url = url,
                                 .is_flat = is_glob && !strchr (url->key + url->prefix, '/'),
                                 .takes = is_glob ? takes_match : takes_below,
                                 .data = bucket,
                                 .cancel = bucket->list->cancel};
    g_autoptr (ArecObjectList) objects = arec_object_list_new();
    size_t n_before = bucket->list->n_files, n_without_url;

    if (!arec_bucket_list (&bucket->list->pages, &wish, objects, &n_without_url, error) ||
        !add_objects (bucket, objects, error)) {
        return false;
    }
    note_nowhere (bucket, n_without_url);
    return bucket->list->n_files > n_before || fail_empty (bucket, error);
}

bool
arec_source_bucket_add (ArecSourceList *list, const ArecUrl *url, const ArecRangeText *range,
                        GError **error)
{
    Bucket bucket = {.list = list, .url = url, .range = range, .shown = arec_url_shown (url)};
    bool ok;

    if (!list->pages.get) {
        ok = arec_fail (error, AREC_ERROR_UNSUPPORTED, "%s: buckets are not listed here",
                        bucket.shown);
    } else if (range && url->form == AREC_URL_PREFIX) {
        ok = arec_fail (error, AREC_ERROR_INVALID,
                        "%s: a range of records needs a file, but this is a directory",
                        bucket.shown);
    } else {
        ok = add_listing (&bucket, error);
    }
    g_free (bucket.shown);
    g_free (bucket.first_nowhere);
    return ok;
}
