#include "remote/list_page.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "remote/url.h"

void
arec_list_page_clear (ArecListPage *page)
{
    g_clear_pointer (&page->next, g_free);
}

/* Adds @object to what the page has, unless no file can have its key. */
static bool
add_object (ArecObjectList *list, ArecListPage *page, const ArecListedObject *object,
            size_t key_size, GError **error)
{
    if (key_size == 0 || key_size > AREC_URL_MAX_KEY || strlen (object->key) != key_size) {
        page->n_left_out++;
        return true;
    }
    page->n_objects++;
    return arec_object_list_add (list, object, error);
}

/* ---- S3: XML ---- */

/* Where an element's text goes. */
typedef enum {
    FIELD_NONE,
    FIELD_IS_TRUNCATED,
    FIELD_TOKEN,
    FIELD_ENCODING,
    FIELD_KEY,
    FIELD_SIZE,
    FIELD_ETAG,
    FIELD_MODIFIED,
    N_FIELDS,
} Field;

static const struct {
    const char *path; /* elements below each other */
    Field field;
} fields[] = {
    {"ListBucketResult/IsTruncated", FIELD_IS_TRUNCATED},
    {"ListBucketResult/NextContinuationToken", FIELD_TOKEN},
    {"ListBucketResult/EncodingType", FIELD_ENCODING},
    {"ListBucketResult/Contents/Key", FIELD_KEY},
    {"ListBucketResult/Contents/Size", FIELD_SIZE},
    {"ListBucketResult/Contents/ETag", FIELD_ETAG},
    {"ListBucketResult/Contents/LastModified", FIELD_MODIFIED},
};

#define OBJECT_PATH "ListBucketResult/Contents"

typedef struct {
    GString *path; /* of the element that is open */
    size_t depth;
    GString *texts[N_FIELDS];
    bool has_root;
    ArecObjectList *list; /* first pass: NULL, only the encoding is wanted */
    ArecListPage *page;
    bool is_url_encoded;
} S3Page;

static Field
field_of (const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS (fields); i++) {
        if (strcmp (fields[i].path, path) == 0) {
            return fields[i].field;
        }
    }
    return FIELD_NONE;
}

/* `+` is a space and %XX a byte, in place. false: a `%` without two digits. */
static bool
decode_url (GString *text)
{
    size_t out = 0;

    for (size_t i = 0; i < text->len; i++) {
        char c = text->str[i];

        if (c == '%') {
            int high = i + 2 < text->len ? g_ascii_xdigit_value (text->str[i + 1]) : -1;
            int low = i + 2 < text->len ? g_ascii_xdigit_value (text->str[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+') {
            c = ' ';
        }
        text->str[out++] = c;
    }
    g_string_truncate (text, out);
    return true;
}

/* A decimal number of all of @text. */
static bool
parse_number (const char *text, uint64_t *out)
{
    return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, out, NULL);
}

/* `2009-10-12T17:50:30.000Z` in seconds since 1970; 0: it is no time from then on. */
static int64_t
parse_time (const char *text)
{
    g_autoptr (GDateTime) time =
        strlen (text) < 40 ? g_date_time_new_from_iso8601 (text, NULL) : NULL;

    return time ? MAX (g_date_time_to_unix (time), 0) : 0;
}

/* Errors of a callback reach the caller as they are. */
static bool
end_object (S3Page *page, GError **error)
{
    GString *key = page->texts[FIELD_KEY], *size = page->texts[FIELD_SIZE];
    ArecListedObject object = {.etag = page->texts[FIELD_ETAG]->str,
                               .modified = parse_time (page->texts[FIELD_MODIFIED]->str)};

    if (!parse_number (size->str, &object.size)) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "the size of an object is no number");
    }
    if (page->is_url_encoded && !decode_url (key)) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "a key is not encoded as a URL is");
    }
    object.key = key->str;
    return add_object (page->list, page->page, &object, key->len, error);
}

static void
start_element (GMarkupParseContext *context, const char *name, const char **attribute_names,
               const char **attribute_values, void *data, GError **error)
{
    S3Page *page = data;
    Field field;

    (void)context;
    (void)attribute_names;
    (void)attribute_values;
    if (++page->depth > AREC_LIST_PAGE_MAX_DEPTH) {
        arec_fail (error, AREC_ERROR_CORRUPT, "elements are nested in more than %d levels",
                   AREC_LIST_PAGE_MAX_DEPTH);
        return;
    }
    if (page->depth > 1) {
        g_string_append_c (page->path, '/');
    }
    g_string_append (page->path, name);
    page->has_root = page->has_root || strcmp (page->path->str, "ListBucketResult") == 0;
    if (strcmp (page->path->str, OBJECT_PATH) == 0) {
        g_string_truncate (page->texts[FIELD_KEY], 0);
        g_string_truncate (page->texts[FIELD_SIZE], 0);
        g_string_truncate (page->texts[FIELD_ETAG], 0);
        g_string_truncate (page->texts[FIELD_MODIFIED], 0);
    }
    field = field_of (page->path->str);
    if (field != FIELD_NONE) {
        g_string_truncate (page->texts[field], 0);
    }
}

static void
end_element (GMarkupParseContext *context, const char *name, void *data, GError **error)
{
    S3Page *page = data;

    (void)context;
    if (page->list && strcmp (page->path->str, OBJECT_PATH) == 0 && !end_object (page, error)) {
        return;
    }
    page->depth--;
    g_string_truncate (page->path, page->path->len - strlen (name) - (page->depth > 0));
}

static void
take_text (GMarkupParseContext *context, const char *text, size_t size, void *data,
           GError **error)
{
    S3Page *page = data;
    Field field = field_of (page->path->str);

    (void)context;
    (void)error;
    if (field != FIELD_NONE) {
        g_string_append_len (page->texts[field], text, (gssize)size);
    }
}

static const GMarkupParser s3_parser = {start_element, end_element, take_text, NULL, NULL};

/* One pass over the page. */
static bool
parse_pass (S3Page *page, const char *text, size_t size, GError **error)
{
    g_autoptr (GMarkupParseContext) context =
        g_markup_parse_context_new (&s3_parser, G_MARKUP_TREAT_CDATA_AS_TEXT, page, NULL);
    g_autoptr (GError) fault = NULL;

    page->depth = 0;
    g_string_truncate (page->path, 0);
    if (g_markup_parse_context_parse (context, text, (gssize)size, &fault) &&
        g_markup_parse_context_end_parse (context, &fault)) {
        return page->has_root || arec_fail (error, AREC_ERROR_CORRUPT,
                                            "the listing has no element ListBucketResult");
    }
    if (fault->domain == AREC_ERROR) {
        g_propagate_error (error, g_steal_pointer (&fault));
        return false;
    }
    return arec_fail (error, AREC_ERROR_CORRUPT, "the listing is not well-formed XML: %.200s",
                      fault->message);
}

/* Whether keys are encoded is said anywhere in a page, so it is looked for first. */
static bool
parse_passes (S3Page *page, ArecObjectList *list, const char *text, size_t size, GError **error)
{
    GString *token = page->texts[FIELD_TOKEN];

    if (!parse_pass (page, text, size, error)) {
        return false;
    }
    page->is_url_encoded = g_ascii_strcasecmp (page->texts[FIELD_ENCODING]->str, "url") == 0;
    page->list = list;
    if (!parse_pass (page, text, size, error)) {
        return false;
    }
    if (strcmp (page->texts[FIELD_IS_TRUNCATED]->str, "true") != 0) {
        return true;
    }
    if (token->len == 0 || token->len > AREC_LIST_PAGE_MAX_TOKEN ||
        strlen (token->str) != token->len) {
        return arec_fail (error, AREC_ERROR_CORRUPT,
                          "the listing goes on, but does not say how to ask for more");
    }
    page->page->next = g_strdup (token->str);
    return true;
}

static bool
check_size (size_t size, GError **error)
{
    return size <= AREC_LIST_PAGE_MAX_SIZE ||
           arec_fail (error, AREC_ERROR_CORRUPT,
                      "a page of the listing has more than %zu bytes", AREC_LIST_PAGE_MAX_SIZE);
}

bool
arec_list_page_parse_s3 (const char *text, size_t size, ArecObjectList *list,
                         ArecListPage *page, GError **error)
{
    S3Page parsed = {.path = g_string_new (NULL), .page = page};
    bool ok;

    *page = (ArecListPage){0};
    for (int i = 0; i < N_FIELDS; i++) {
        parsed.texts[i] = g_string_new (NULL);
    }
    ok = check_size (size, error) && parse_passes (&parsed, list, text, size, error);
    for (int i = 0; i < N_FIELDS; i++) {
        g_string_free (parsed.texts[i], TRUE);
    }
    g_string_free (parsed.path, TRUE);
    if (!ok) {
        arec_list_page_clear (page);
    }
    return ok;
}

/* ---- GCS: JSON ---- */

/* The text of a STRING; NULL: it is none, or too long. (transfer full) */
static char *
string_of (const ArecJsonValue *value, size_t *size)
{
    char *text;

    if (value->kind != AREC_JSON_STRING || value->is_broken ||
        value->decoded_size > AREC_LIST_PAGE_MAX_TOKEN) {
        return NULL;
    }
    text = g_malloc0 (value->decoded_size + 1);
    arec_json_decode (value, (uint8_t *)text);
    *size = value->decoded_size;
    return text;
}

/* Names of members are compared as they stand: no server escapes letters. */
static bool
is_name (const ArecJsonValue *key, const char *name)
{
    size_t size = strlen (name);

    return key->size == size + 2 && memcmp (key->text + 1, name, size) == 0;
}

/* Numbers stand in strings there. */
static bool
number_of (const ArecJsonValue *value, uint64_t *out)
{
    size_t size;
    g_autofree char *text = string_of (value, &size);

    return text && strlen (text) == size && parse_number (text, out);
}

static int64_t
time_of (const ArecJsonValue *value)
{
    size_t size;
    g_autofree char *text = string_of (value, &size);

    return text && strlen (text) == size ? parse_time (text) : 0;
}

static bool
take_item (const ArecJsonValue *item, ArecObjectList *list, ArecListPage *page, GError **error)
{
    g_autofree char *name = NULL, *etag = NULL;
    ArecListedObject object = {0};
    ArecJsonItems members;
    ArecJsonValue key, value;
    size_t name_size = 0, etag_size = 0;
    bool has_size = false;

    if (item->kind != AREC_JSON_OBJECT) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "an item of the listing is no object");
    }
    members = arec_json_items (item);
    while (arec_json_next_member (&members, &key, &value)) {
        if (is_name (&key, "name")) {
            g_free (name);
            name = string_of (&value, &name_size);
        } else if (is_name (&key, "etag")) {
            g_free (etag);
            etag = string_of (&value, &etag_size);
        } else if (is_name (&key, "size")) {
            has_size = number_of (&value, &object.size);
        } else if (is_name (&key, "generation")) {
            number_of (&value, &object.generation);
        } else if (is_name (&key, "updated")) {
            object.modified = time_of (&value);
        }
    }
    if (!has_size) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "the size of an object is no number");
    }
    object.key = name ? name : "";
    object.etag = etag && strlen (etag) == etag_size ? etag : "";
    return add_object (list, page, &object, name ? name_size : 0, error);
}

static bool
take_items (const ArecJsonValue *array, ArecObjectList *list, ArecListPage *page,
            GError **error)
{
    ArecJsonItems items;
    ArecJsonValue item;

    if (array->kind != AREC_JSON_ARRAY) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "the items of the listing are no array");
    }
    items = arec_json_items (array);
    while (arec_json_next_element (&items, &item)) {
        if (!take_item (&item, list, page, error)) {
            return false;
        }
    }
    return true;
}

static bool
take_members (const ArecJsonValue *whole, ArecObjectList *list, ArecListPage *page,
              GError **error)
{
    ArecJsonItems members = arec_json_items (whole);
    ArecJsonValue key, value;
    size_t size;

    while (arec_json_next_member (&members, &key, &value)) {
        if (is_name (&key, "items") && !take_items (&value, list, page, error)) {
            return false;
        }
        if (is_name (&key, "nextPageToken")) {
            g_free (page->next);
            page->next = string_of (&value, &size);
            if (!page->next || size == 0 || strlen (page->next) != size) {
                return arec_fail (error, AREC_ERROR_CORRUPT,
                                  "the listing goes on, but does not say how to ask for more");
            }
        }
    }
    return true;
}

bool
arec_list_page_parse_gcs (const char *text, size_t size, ArecObjectList *list,
                          ArecListPage *page, GError **error)
{
    g_autoptr (GError) fault = NULL;
    ArecJsonValue whole;
    size_t at;

    *page = (ArecListPage){0};
    if (!check_size (size, error)) {
        return false;
    }
    if (!arec_json_parse (text, size, &whole, &at, &fault)) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "the listing is no JSON: %s",
                          fault->message);
    }
    if (whole.kind != AREC_JSON_OBJECT) {
        return arec_fail (error, AREC_ERROR_CORRUPT, "the listing is no JSON object");
    }
    if (!take_members (&whole, list, page, error)) {
        arec_list_page_clear (page);
        return false;
    }
    return true;
}

/* ---- errors of S3 ---- */

/* Printable ASCII of the element @name of an error, as much as fits. */
static void
take_element (const char *text, const char *name, char *out, size_t room)
{
    g_autofree char *tag = g_strdup_printf ("<%s>", name);
    const char *at = strstr (text, tag);
    size_t n = 0;

    for (at = at ? at + strlen (tag) : ""; *at && *at != '<' && n + 1 < room; at++) {
        out[n++] = g_ascii_isprint (*at) ? *at : '?';
    }
    out[n] = '\0';
}

bool
arec_s3_fault_parse (const char *text, size_t size, ArecS3Fault *fault)
{
    /* The body may be cut off, so it is searched rather than parsed. */
    g_autofree char *copy = g_strndup (text, MIN (size, (size_t)64 << 10));

    *fault = (ArecS3Fault){0};
    if (!strstr (copy, "<Error>")) {
        return false;
    }
    take_element (copy, "Code", fault->code, sizeof fault->code);
    take_element (copy, "Message", fault->message, sizeof fault->message);
    take_element (copy, "Region", fault->region, sizeof fault->region);
    take_element (copy, "StorageClass", fault->storage_class, sizeof fault->storage_class);
    return true;
}
