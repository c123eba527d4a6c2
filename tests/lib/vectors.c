#include "vectors.h"

#include <string.h>

#include "files.h"

/* The manifest is JSON without blanks, of a known shape: an object of a list begins with its
 * "file", and a key is found by its text. */
#define OBJECT "{\"file\":\""

static char *
read_manifest (void)
{
    size_t size;
    char *manifest = (char *)test_golden_read ("vectors/manifest.json", &size);

    manifest = g_realloc (manifest, size + 1);
    manifest[size] = '\0';
    return manifest;
}

/* The position after @text, which must be there. */
static const char *
after_text (const char *at, const char *text)
{
    const char *found = strstr (at, text);

    g_assert_nonnull (found);
    return found + strlen (text);
}

static char *
string_at (const char *at)
{
    return g_strndup (at, strcspn (at, "\""));
}

static uint64_t
number (const char *object, const char *key)
{
    g_autofree char *text = g_strdup_printf ("\"%s\":", key);

    return g_ascii_strtoull (after_text (object, text), NULL, 10);
}

static char *
string (const char *object, const char *key)
{
    g_autofree char *text = g_strdup_printf ("\"%s\":\"", key);

    return string_at (after_text (object, text));
}

/* What the writer was told, where it was told anything. */
static uint64_t
parameter (const char *object, const char *key)
{
    const char *at = strstr (object, "\"params\":{");
    const char *next = strstr (object + 1, OBJECT);
    g_autofree char *params = NULL, *text = g_strdup_printf ("\"%s\":", key);
    const char *found;

    if (!at || (next && at > next)) {
        return 0;
    }
    params = g_strndup (at, strcspn (at, "}"));
    found = strstr (params, text);
    return found ? g_ascii_strtoull (found + strlen (text), NULL, 10) : 0;
}

static void
read_records (TestVector *vector, const char *manifest, const char *set)
{
    g_autofree char *name = g_strdup_printf ("\"%s\":{\"num_records\":", set);
    const char *at = after_text (after_text (manifest, name), "\"records_hex\":[");

    vector->records = g_byte_array_new();
    vector->ends = g_array_new (FALSE, FALSE, sizeof (uint64_t));
    while (*at == '"') {
        uint64_t end;

        for (at++; *at != '"'; at += 2) {
            uint8_t byte =
                (uint8_t)(g_ascii_xdigit_value (at[0]) << 4 | g_ascii_xdigit_value (at[1]));

            g_byte_array_append (vector->records, &byte, 1);
        }
        end = vector->records->len;
        g_array_append_val (vector->ends, end);
        at++;
        at += *at == ',';
    }
    g_assert_cmpuint (vector->ends->len, ==, vector->num_records);
    g_assert_cmpuint (vector->records->len, ==, vector->decoded_size);
}

static TestVector *
read_vector (const char *manifest, const char *object, bool valid)
{
    TestVector *vector = g_new0 (TestVector, 1);
    g_autofree char *path = NULL;
    g_autofree uint8_t *body = NULL;

    vector->file = string_at (object + strlen (OBJECT));
    path = g_strconcat ("vectors/", vector->file, NULL);
    body = test_golden_read (path, &vector->body_size);
    vector->body = g_malloc (vector->body_size);
    if (vector->body_size > 0) {
        memcpy (vector->body, body, vector->body_size);
    }
    vector->num_records = number (object, valid ? "decode_num_records" : "num_records");
    vector->decoded_size = number (object, "decoded_data_size");
    if (valid) {
        g_autofree char *set = string (object, "record_set");
        g_autofree char *type = string (object, "chunk_type");
        g_autofree char *producer = string (object, "producer");

        vector->is_metadata = strcmp (type, "m") == 0;
        vector->is_by_reference = g_str_has_prefix (producer, "reference");
        vector->bucket_size = parameter (object, "bucket_size");
        vector->max_transition = parameter (object, "max_transition");
        vector->min_count = parameter (object, "min_count_for_state");
        read_records (vector, manifest, set);
    }
    return vector;
}

GPtrArray *
test_vectors_load (bool valid)
{
    g_autofree char *manifest = read_manifest();
    const char *at = after_text (manifest, valid ? "\"chunks\":[" : "\"invalid\":[");
    const char *end = after_text (at, valid ? "\"invalid\":[" : "\"projections\":[");
    GPtrArray *vectors = g_ptr_array_new_with_free_func ((GDestroyNotify)test_vector_free);

    for (at = strstr (at, OBJECT); at && at < end; at = strstr (at + 1, OBJECT)) {
        g_ptr_array_add (vectors, read_vector (manifest, at, valid));
    }
    return vectors;
}

TestVector *
test_vector_get (const char *file)
{
    g_autofree char *manifest = read_manifest();
    g_autofree char *object = g_strconcat (OBJECT, file, "\"", NULL);
    const char *at = strstr (after_text (manifest, "\"chunks\":["), object);

    g_assert_nonnull (at);
    return read_vector (manifest, at, true);
}

void
test_vector_free (TestVector *vector)
{
    if (!vector) {
        return;
    }
    g_free (vector->file);
    g_free (vector->body);
    g_clear_pointer (&vector->records, g_byte_array_unref);
    g_clear_pointer (&vector->ends, g_array_unref);
    g_free (vector);
}
