/* JSON text, and the tf.train.Examples that are made of it, against a second parser.
 *
 * - Text passes the check exactly if the second parser makes a tree of it; one that nests too
 *   deep is told apart from one that is no JSON.
 * - What is made of it decodes to what the tree of it says, and is made of it exactly if the
 *   tree fits a tf.train.Example.
 * - A failure has a place in the text. Another text before it changes nothing.
 * - Memory stays bounded by the text.
 *
 * Input: most bytes of a message, what the encoder meets before, and the text.
 */
#include <math.h>
#include <string.h>

#include <arec/arec.h>

#include "example.h"
#include "fuzz.h"
#include "json_tree.h"

/* Beside the text: the decoded message as a tree is not counted. */
enum { MAX_MEMORY = 1 << 16 };

/* ---- what the tree says ---- */

static void
put_bytes (GString *text, const char *data, size_t size)
{
    g_string_append_c (text, '"');
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)data[i];

        if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
            g_string_append_c (text, (char)byte);
        } else {
            g_string_append_printf (text, "\\%o", byte);
        }
    }
    g_string_append_c (text, '"');
}

static bool
is_integer (const JsonTree *number)
{
    return !strpbrk (number->text, ".eE");
}

/* false: it does not fit. */
static bool
put_number (GString *text, const JsonTree *number, bool as_float)
{
    float value = (float)g_ascii_strtod (number->text, NULL);
    gint64 integer;

    if (as_float) {
        g_string_append_printf (text, "%.9g", value);
        return !isinf (value);
    }
    if (!g_ascii_string_to_signed (number->text, 10, G_MININT64, G_MAXINT64, &integer, NULL)) {
        return false;
    }
    g_string_append_printf (text, "%" G_GINT64_FORMAT, integer);
    return true;
}

static bool
put_value (GString *text, const JsonTree *value, bool as_float)
{
    switch (value->kind) {
    case JSON_TREE_NULL: return true;
    case JSON_TREE_BOOLEAN: g_string_append_c (text, value->text[0] == 't' ? '1' : '0'); break;
    case JSON_TREE_NUMBER: return put_number (text, value, as_float);
    case JSON_TREE_STRING:
        put_bytes (text, value->decoded->str, value->decoded->len);
        return !value->is_broken;
    case JSON_TREE_ARRAY:
    case JSON_TREE_OBJECT: put_bytes (text, value->text, strlen (value->text)); break;
    }
    return true;
}

/* false: it does not fit. */
static bool
put_feature (GString *text, const JsonTree *value)
{
    g_autoptr (GPtrArray) one = g_ptr_array_new();
    bool is_array = value->kind == JSON_TREE_ARRAY, as_float = false;
    GPtrArray *values = is_array ? value->items : one;
    const JsonTree *first;

    g_ptr_array_add (one, (void *)value);
    if (values->len == 0) {
        g_string_append (text, "none");
        return true;
    }
    first = values->pdata[0];
    for (guint i = 0; i < values->len; i++) {
        const JsonTree *item = values->pdata[i];

        as_float = as_float || (item->kind == JSON_TREE_NUMBER && !is_integer (item));
        if (item->kind != first->kind || (is_array && item->kind == JSON_TREE_NULL)) {
            return false;
        }
    }
    g_string_append (text, as_float ? "float["
                           : first->kind == JSON_TREE_BOOLEAN || first->kind == JSON_TREE_NUMBER
                               ? "int64["
                               : "bytes[");
    for (guint i = 0; i < values->len; i++) {
        g_string_append (text, i > 0 ? "," : "");
        if (!put_value (text, values->pdata[i], as_float)) {
            return false;
        }
    }
    g_string_append_c (text, ']');
    return true;
}

/* The message as example_to_text () shows it; NULL: the tree does not fit. */
static char *
expected_of (const JsonTree *tree)
{
    g_autoptr (GHashTable) keys =
        g_hash_table_new ((GHashFunc)g_string_hash, (GEqualFunc)g_string_equal);
    g_autoptr (GString) text = g_string_new (NULL);

    if (tree->kind != JSON_TREE_OBJECT) {
        return NULL;
    }
    for (guint i = 0; i < tree->items->len; i += 2) {
        const JsonTree *key = tree->items->pdata[i];

        g_string_append (text, i > 0 ? " " : "");
        put_bytes (text, key->decoded->str, key->decoded->len);
        g_string_append_c (text, '=');
        if (key->is_broken || !g_hash_table_add (keys, key->decoded) ||
            !put_feature (text, tree->items->pdata[i + 1])) {
            return NULL;
        }
    }
    return g_strdup (text->str);
}

/* ---- what the engine says ---- */

static void
check_error (const GError *error, size_t at, size_t size)
{
    g_assert_nonnull (error);
    g_assert_cmpuint (at, <=, size);
    g_assert_cmpuint (strlen (error->message), <=, 400);
}

static void
check_text (const char *text, size_t size, const JsonTree *tree, bool is_deep)
{
    g_autoptr (GError) error = NULL;
    size_t at;
    bool is_sound;

    is_sound = arec_json_check (text, size, &at, &error);
    g_assert_true (is_sound == (tree != NULL));
    if (!is_sound) {
        check_error (error, at, size);
        /* A text may go wrong before the place where it is too deep. */
        g_assert_true (g_error_matches (error, AREC_ERROR, AREC_ERROR_FORMAT) ||
                       (is_deep && g_error_matches (error, AREC_ERROR, AREC_ERROR_LIMIT)));
    }
}

static void
check_example (ArecExampleJson *json, const char *text, size_t size, const JsonTree *tree,
               uint64_t most)
{
    g_autofree char *expected = tree ? expected_of (tree) : NULL, *got = NULL;
    g_autoptr (GError) error = NULL;
    const void *data;
    size_t data_size, at;
    bool is_sound;

    is_sound = arec_example_json_encode (json, text, size, &data, &data_size, &at, &error);
    if (is_sound) {
        got = example_to_text (data, data_size);
        g_assert_cmpstr (got, ==, expected);
        g_assert_cmpuint (data_size, <=, most);
        return;
    }
    check_error (error, at, size);
    g_assert_true (!expected || g_error_matches (error, AREC_ERROR, AREC_ERROR_LIMIT));
    g_assert_true (!expected || most < 8 * size + 16);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes bytes = arec_bytes (data, size);
    uint64_t most = fuzz_take_number (&bytes);
    ArecBytes before = fuzz_take_bytes (&bytes, fuzz_take_u8 (&bytes) % 64);
    size_t text_size = arec_bytes_left (&bytes), before_size = arec_bytes_left (&before), at;
    /* Exactly these bytes, so that AddressSanitizer sees what is read beyond. */
    g_autofree char *text =
        g_memdup2 (text_size > 0 ? bytes.at : (const uint8_t *)"", MAX (text_size, 1));
    g_autoptr (ArecExampleJson) json = arec_example_json_new (most);
    const void *message;
    size_t message_size;
    bool is_deep;
    JsonTree *tree = json_tree_new (text, text_size, AREC_MAX_JSON_DEPTH, &is_deep);

    (void)arec_example_json_encode (json, (const char *)before.at, before_size, &message,
                                    &message_size, &at, NULL);
    check_text (text, text_size, tree, is_deep);
    fuzz_memory_bound (MAX_MEMORY + 100 * size);
    check_example (json, text, text_size, tree, most);
    fuzz_memory_unbound();
    json_tree_free (tree);
    return 0;
}
