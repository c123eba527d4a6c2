/* From the text of a SOURCE to the files that it means.
 *
 *   add (text)  ->  literal file | directory -> source_tree | cut [a:b] -> literal | @N | glob
 *                   URL -> cut [a:b] -> object | @N | prefix, glob -> source_bucket
 */
#include <errno.h>
#include <glob.h>
#include <string.h>

#include <arec/sources.h>

#include "base/error.h"
#include "naming/shard_paths.h"
#include "naming/source_bucket.h"
#include "naming/source_list.h"
#include "naming/source_tree.h"
#include "remote/url.h"

#define MAX_SHARDS 99999

/* Skips `-`? digits, or nothing. */
static const char *
skip_number (const char *text)
{
    const char *digits = text + (*text == '-');
    size_t n = strspn (digits, "0123456789");

    return n > 0 ? digits + n : text;
}

/* Where the trailing `[a:b]` of @text begins; NULL: it has none. */
static const char *
find_range (const char *text)
{
    const char *bracket = strrchr (text, '[');
    const char *rest;

    if (!bracket) {
        return NULL;
    }
    rest = skip_number (bracket + 1);
    if (*rest != ':') {
        return NULL;
    }
    rest = skip_number (rest + 1);
    return strcmp (rest, "]") == 0 ? bracket : NULL;
}

/* Splits @text into *base and, with a trailing `[a:b]`, *range. */
static bool
cut_range (const char *text, char **base, bool *has_range, ArecRangeText *range, GError **error)
{
    const char *bracket = find_range (text);
    g_autofree char *inside = NULL;

    *has_range = bracket != NULL;
    if (!bracket) {
        *base = g_strdup (text);
        return true;
    }
    inside = g_strndup (bracket + 1, strlen (bracket) - 2);
    if (!arec_range_parse (inside, range, error)) {
        g_autofree char *shown = arec_url_redact (text);

        g_prefix_error (error, "%s: ", shown);
        return false;
    }
    *base = g_strndup (text, (size_t)(bracket - text));
    return true;
}

/* The N of a trailing `@N`; 0: there is none, or it is not in [1, MAX_SHARDS]. */
static unsigned
shards_in (const char *text, size_t *stem_length)
{
    const char *at = strrchr (text, '@');
    uint64_t n;

    if (!at || !g_ascii_isdigit (at[1]) ||
        !g_ascii_string_to_unsigned (at + 1, 10, 1, MAX_SHARDS, &n, NULL)) {
        return 0;
    }
    *stem_length = (size_t)(at - text);
    return (unsigned)n;
}

static char *
shard_path (const char *text, size_t stem_length, unsigned shard, unsigned n_shards)
{
    g_autofree char *front = g_strndup (text, stem_length);
    const ArecShardPaths names = {.front = front, .back = (char *)""};

    return arec_shard_paths_format (&names, shard, n_shards);
}

/* How many of the shards exist; *first_missing is the path of the first that does not. */
static unsigned
count_shards (const char *text, size_t stem_length, unsigned n_shards, char **first_missing)
{
    unsigned n_found = 0;

    for (unsigned i = 0; i < n_shards; i++) {
        g_autofree char *path = shard_path (text, stem_length, i, n_shards);
        struct stat st;

        /* Only absence makes a shard missing: arec_source_list_add_file () reports the rest. */
        if (stat (path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
            n_found++;
        } else if (!*first_missing) {
            *first_missing = g_steal_pointer (&path);
        }
    }
    return n_found;
}

static bool
add_shards (ArecSourceList *list, const char *text, size_t stem_length, unsigned n_shards,
            const ArecRangeText *range, GError **error)
{
    for (unsigned i = 0; i < n_shards; i++) {
        g_autofree char *path = shard_path (text, stem_length, i, n_shards);

        if (!arec_source_list_add_file (list, AREC_SOURCE_SHARDED, path, range, error)) {
            return false;
        }
    }
    return true;
}

static bool
has_wildcard (const char *text)
{
    return strpbrk (text, "*?[") != NULL;
}

static int
compare_names (const void *a, const void *b)
{
    return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* glob () passes no user data to its callback, so that leaves the first directory that could
 * not be read here. */
static _Thread_local struct {
    char *path;
    int saved_errno;
} glob_failure;

static int
note_glob_failure (const char *path, int failure)
{
    if (failure == ENOENT || failure == ENOTDIR) {
        return 0;
    }
    g_free (glob_failure.path);
    glob_failure.path = g_strdup (path);
    glob_failure.saved_errno = failure;
    return 1;
}

static bool
add_matches (ArecSourceList *list, const glob_t *matches, const ArecRangeText *range,
             GError **error)
{
    for (size_t i = 0; i < matches->gl_pathc; i++) {
        const char *path = matches->gl_pathv[i];
        struct stat st;

        if (stat (path, &st) == 0 && !S_ISREG (st.st_mode)) {
            continue;
        }
        if (!arec_source_list_add_file (list, AREC_SOURCE_GLOB, path, range, error)) {
            return false;
        }
    }
    return true;
}

/* Whether @text is `F[...]` and F is a file. */
static bool
is_file_with_index (const char *text)
{
    const char *bracket = strrchr (text, '[');
    g_autofree char *base = bracket ? g_strndup (text, (size_t)(bracket - text)) : NULL;

    return base && g_str_has_suffix (bracket, "]") &&
           g_file_test (base, G_FILE_TEST_IS_REGULAR);
}

static bool
add_glob (ArecSourceList *list, const char *text, const ArecRangeText *range, GError **error)
{
    size_t n_before = list->n_files;
    glob_t matches = {0};
    int result = glob (text, GLOB_NOSORT, note_glob_failure, &matches);
    bool ok = true;

    if (result == GLOB_ABORTED) {
        g_autofree char *path = g_steal_pointer (&glob_failure.path);

        ok = arec_fail_errno (error, glob_failure.saved_errno, "%s: %s", text, path);
    } else if (result == GLOB_NOSPACE) {
        ok = arec_fail (error, AREC_ERROR_NOMEM, "%s: out of memory", text);
    } else if (result == 0) {
        /* glob () itself sorts by the locale. */
        qsort (matches.gl_pathv, matches.gl_pathc, sizeof *matches.gl_pathv, compare_names);
        ok = add_matches (list, &matches, range, error);
    }
    globfree (&matches);
    if (ok && list->n_files == n_before && is_file_with_index (text)) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: no file matches; a range of records is [a:b], such as [5:9]",
                          text);
    }
    if (ok && list->n_files == n_before) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND, "%s: no file matches", text);
    }
    return ok;
}

/* Appends what @text, which is no existing file, means without its `[a:b]`. @form starts as
 * LITERAL. */
static bool
add_by_meaning (ArecSourceList *list, const char *text, const ArecRangeText *range,
                ArecSourceForm *form, GError **error)
{
    size_t stem_length = 0;
    unsigned n_shards = shards_in (text, &stem_length);
    g_autofree char *missing = NULL;
    unsigned n_found = n_shards > 0 ? count_shards (text, stem_length, n_shards, &missing) : 0;

    if (n_shards > 0 && n_found == n_shards) {
        *form = AREC_SOURCE_SHARDED;
        return add_shards (list, text, stem_length, n_shards, range, error);
    }
    if (n_shards > 0 && (n_found > 0 || !has_wildcard (text))) {
        return arec_fail (error, AREC_ERROR_NOT_FOUND,
                          "%s: no such file; %u of the %u shards of %s are missing", missing,
                          n_shards - n_found, n_shards, text);
    }
    if (has_wildcard (text)) {
        *form = AREC_SOURCE_GLOB;
        return add_glob (list, text, range, error);
    }
    return arec_source_list_add_file (list, AREC_SOURCE_LITERAL, text, range, error);
}

/* ---- URLs -------------------------------------------------------------------------------- */

#ifdef AREC_HAVE_LIBCURL
static const bool reads_urls = true;
#else
static const bool reads_urls = false;
#endif

static bool
check_readable (const ArecUrl *url, GError **error)
{
    g_autofree char *shown = arec_url_shown (url);

    return reads_urls || arec_fail (error, AREC_ERROR_UNSUPPORTED,
                                    "%s: URLs need libcurl, and this build is without", shown);
}

static bool
add_object_shards (ArecSourceList *list, const ArecUrl *url, const ArecRangeText *range,
                   GError **error)
{
    const ArecShardPaths names = {.front = g_strndup (url->key, url->number_at),
                                  .back = g_strdup (url->key + url->number_at)};
    bool ok = true;

    for (unsigned i = 0; i < url->shards && ok; i++) {
        g_autofree char *key = arec_shard_paths_format (&names, i, url->shards);
        g_auto (ArecUrl) shard = {0};

        ok = arec_url_with_key (url, key, &shard, error) &&
             arec_source_list_add_object (list, AREC_SOURCE_SHARDED, &shard, range, error);
    }
    g_free (names.front);
    g_free (names.back);
    return ok;
}

/* Whether an object exists shows when it is opened. @form starts as LITERAL. */
static bool
add_url (ArecSourceList *list, const char *text, const ArecRangeText *range, ArecUrlUse use,
         ArecSourceForm *form, GError **error)
{
    g_auto (ArecUrl) url = {0};

    if (!arec_url_parse (text, use, &url, error) || !check_readable (&url, error)) {
        return false;
    }
    if (url.form == AREC_URL_GLOB || url.form == AREC_URL_PREFIX) {
        *form = url.form == AREC_URL_GLOB ? AREC_SOURCE_GLOB : AREC_SOURCE_DIRECTORY;
        return arec_source_bucket_add (list, &url, range, error);
    }
    if (url.form == AREC_URL_SHARDS) {
        *form = AREC_SOURCE_SHARDED;
        return add_object_shards (list, &url, range, error);
    }
    return arec_source_list_add_object (list, AREC_SOURCE_LITERAL, &url, range, error);
}

/* A trailing `[a:b]` of a URL is always a range. */
static bool
add_url_with_range (ArecSourceList *list, const char *text, ArecSourceForm *form,
                    GError **error)
{
    g_autofree char *base = NULL;
    ArecRangeText range;
    bool has_range;

    if (!cut_range (text, &base, &has_range, &range, error)) {
        return false;
    }
    return add_url (list, base, has_range ? &range : NULL, AREC_URL_TYPED, form, error);
}

/* ---- paths ------------------------------------------------------------------------------- */

/* Whether the path @text exists. Failures are errors, except absence, and a name that is too
 * long but may be a pattern. */
static bool
probe (const char *text, bool *exists, bool *is_directory, GError **error)
{
    struct stat st;

    *exists = stat (text, &st) == 0;
    *is_directory = *exists && S_ISDIR (st.st_mode);
    return *exists || errno == ENOENT || errno == ENOTDIR ||
           (errno == ENAMETOOLONG && has_wildcard (text)) ||
           arec_fail_errno (error, errno, "%s", text);
}

/* Appends what @text means. @form starts as LITERAL. The order decides: a literal file wins
 * over its own `[a:b]`, `@N` and wildcards, so nothing is cut off a text that exists. */
static bool
add_text (ArecSourceList *list, const char *text, ArecSourceForm *form, GError **error)
{
    g_autofree char *base = NULL;
    ArecRangeText range;
    bool has_range, exists, is_directory;

    if (arec_url_is_url (text) && !g_file_test (text, G_FILE_TEST_EXISTS)) {
        return add_url_with_range (list, text, form, error);
    }
    if (!probe (text, &exists, &is_directory, error)) {
        return false;
    }
    if (is_directory) {
        *form = AREC_SOURCE_DIRECTORY;
        return arec_source_tree_add (list, text, error);
    }
    if (exists) {
        return arec_source_list_add_file (list, AREC_SOURCE_LITERAL, text, NULL, error);
    }
    if (!cut_range (text, &base, &has_range, &range, error)) {
        return false;
    }
    if (has_range && !probe (base, &exists, &is_directory, error)) {
        return false;
    }
    if (is_directory) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "%s: a range of records needs a file, but %s is a directory", text,
                          base);
    }
    if (exists) {
        return arec_source_list_add_file (list, AREC_SOURCE_LITERAL, base, &range, error);
    }
    return add_by_meaning (list, base, has_range ? &range : NULL, form, error);
}

bool
arec_source_is_directory (const char *text)
{
    g_auto (ArecUrl) url = {0};

    if (!arec_url_is_url (text) || g_file_test (text, G_FILE_TEST_EXISTS)) {
        return g_file_test (text, G_FILE_TEST_IS_DIR);
    }
    return arec_url_parse (text, AREC_URL_TYPED, &url, NULL) && url.form == AREC_URL_PREFIX;
}

/* What a list held before an addition: a failed one leaves nothing behind. */
typedef struct {
    size_t n_files;
    size_t n_objects;
    guint n_directories, n_notes;
    uint64_t n_more_notes;
} Addition;

static Addition
begin_addition (const ArecSourceList *list)
{
    return (Addition){.n_files = list->n_files,
                      .n_objects = list->n_objects,
                      .n_directories = list->directories->len,
                      .n_notes = list->notes->len,
                      .n_more_notes = list->n_more_notes};
}

static bool
finish_addition (ArecSourceList *list, Addition before, bool ok)
{
    if (ok) {
        list->n_arguments++;
    } else {
        list->n_files = before.n_files;
        list->n_objects = before.n_objects;
        g_array_set_size (list->directories, before.n_directories);
        g_array_set_size (list->notes, before.n_notes);
        list->n_more_notes = before.n_more_notes;
    }
    return ok;
}

bool
arec_source_list_add (ArecSourceList *list, const char *text, ArecSourceForm *form,
                      GError **error)
{
    Addition before = begin_addition (list);
    ArecSourceForm understood = AREC_SOURCE_LITERAL;
    bool ok = add_text (list, text, &understood, error);

    if (ok && form) {
        *form = understood;
    }
    return finish_addition (list, before, ok);
}

bool
arec_source_list_add_literal (ArecSourceList *list, const char *path, GError **error)
{
    Addition before = begin_addition (list);
    ArecSourceForm form = AREC_SOURCE_LITERAL;
    bool ok = arec_url_is_url (path) && !g_file_test (path, G_FILE_TEST_EXISTS)
                  ? add_url (list, path, NULL, AREC_URL_LITERAL, &form, error)
                  : arec_source_list_add_file (list, AREC_SOURCE_LITERAL, path, NULL, error);

    return finish_addition (list, before, ok);
}
