#include "json_tree.h"

#include <string.h>

/* The text ends with NUL, which is nowhere else in it. */
typedef struct {
    const char *at;
    bool is_deep;
} Reader;

static JsonTree *read_value (Reader *reader, unsigned depth);

void
json_tree_free (void *data)
{
    JsonTree *tree = data;

    if (tree) {
        g_free (tree->text);
        if (tree->decoded) {
            g_string_free (tree->decoded, TRUE);
        }
        g_clear_pointer (&tree->items, g_ptr_array_unref);
        g_free (tree);
    }
}

static void
skip_space (Reader *reader)
{
    reader->at += strspn (reader->at, " \t\r\n");
}

static bool
read_byte (Reader *reader, char byte)
{
    skip_space (reader);
    if (*reader->at != byte) {
        return false;
    }
    reader->at++;
    return true;
}

/* A UTF-16 unit after `\u`, or -1. */
static int
unit_at (const char *at)
{
    char digits[5] = {0};

    if (at[0] != '\\' || at[1] != 'u' || strspn (at + 2, "0123456789abcdefABCDEF") < 4) {
        return -1;
    }
    memcpy (digits, at + 2, 4);
    return (int)g_ascii_strtoull (digits, NULL, 16);
}

static bool
read_unit (Reader *reader, JsonTree *tree)
{
    int first = unit_at (reader->at), second;

    if (first < 0) {
        return false;
    }
    reader->at += 6;
    if (first < 0xd800 || first > 0xdfff) {
        g_string_append_unichar (tree->decoded, (gunichar)first);
        return true;
    }
    second = unit_at (reader->at);
    if (first > 0xdbff || second < 0xdc00 || second > 0xdfff) {
        tree->is_broken = true;
        return true;
    }
    reader->at += 6;
    g_string_append_unichar (
        tree->decoded, (gunichar)(0x10000 + (first - 0xd800) * 0x400 + (second - 0xdc00)));
    return true;
}

static bool
read_escape (Reader *reader, JsonTree *tree)
{
    switch (reader->at[1]) {
    case '"':
    case '\\':
    case '/': g_string_append_c (tree->decoded, reader->at[1]); break;
    case 'b': g_string_append_c (tree->decoded, '\b'); break;
    case 'f': g_string_append_c (tree->decoded, '\f'); break;
    case 'n': g_string_append_c (tree->decoded, '\n'); break;
    case 'r': g_string_append_c (tree->decoded, '\r'); break;
    case 't': g_string_append_c (tree->decoded, '\t'); break;
    default: return read_unit (reader, tree);
    }
    reader->at += 2;
    return true;
}

static bool
read_string (Reader *reader, JsonTree *tree)
{
    tree->kind = JSON_TREE_STRING;
    tree->decoded = g_string_new (NULL);
    reader->at++;
    while (*reader->at != '"') {
        if (*reader->at == '\\') {
            if (!read_escape (reader, tree)) {
                return false;
            }
        } else if ((unsigned char)*reader->at < 0x20) {
            return false;
        } else {
            g_string_append_c (tree->decoded, *reader->at++);
        }
    }
    reader->at++;
    return true;
}

static bool
read_number (Reader *reader, JsonTree *tree)
{
    static GRegex *regex;
    g_autoptr (GMatchInfo) match = NULL;
    gint end;

    if (!regex) {
        regex = g_regex_new ("^-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?", G_REGEX_RAW, 0,
                             NULL);
    }
    tree->kind = JSON_TREE_NUMBER;
    if (!g_regex_match (regex, reader->at, 0, &match)) {
        return false;
    }
    g_match_info_fetch_pos (match, 0, NULL, &end);
    reader->at += end;
    return true;
}

static bool
read_word (Reader *reader, JsonTree *tree)
{
    static const struct {
        const char *word;
        JsonTreeKind kind;
    } words[] = {
        {"null", JSON_TREE_NULL},
        {"true", JSON_TREE_BOOLEAN},
        {"false", JSON_TREE_BOOLEAN},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (words); i++) {
        if (g_str_has_prefix (reader->at, words[i].word)) {
            tree->kind = words[i].kind;
            reader->at += strlen (words[i].word);
            return true;
        }
    }
    return false;
}

/* Adds a value; NULL is a failure. */
static bool
add_item (JsonTree *tree, JsonTree *item)
{
    if (item) {
        g_ptr_array_add (tree->items, item);
    }
    return item != NULL;
}

static bool
read_container (Reader *reader, JsonTree *tree, unsigned depth)
{
    bool is_object = *reader->at++ == '{';

    tree->kind = is_object ? JSON_TREE_OBJECT : JSON_TREE_ARRAY;
    tree->items = g_ptr_array_new_with_free_func (json_tree_free);
    if (depth == 0) {
        reader->is_deep = true;
        return false;
    }
    if (read_byte (reader, is_object ? '}' : ']')) {
        return true;
    }
    do {
        skip_space (reader);
        if (is_object && (*reader->at != '"' || !add_item (tree, read_value (reader, 0)) ||
                          !read_byte (reader, ':'))) {
            return false;
        }
        if (!add_item (tree, read_value (reader, depth - 1))) {
            return false;
        }
    } while (read_byte (reader, ','));
    return read_byte (reader, is_object ? '}' : ']');
}

static JsonTree *
read_value (Reader *reader, unsigned depth)
{
    JsonTree *tree = g_new0 (JsonTree, 1);
    const char *begin;
    bool is_sound;

    skip_space (reader);
    begin = reader->at;
    is_sound = *begin == '[' || *begin == '{' ? read_container (reader, tree, depth)
               : *begin == '"'                ? read_string (reader, tree)
               : *begin == '-' || g_ascii_isdigit (*begin) ? read_number (reader, tree)
                                                           : read_word (reader, tree);
    if (!is_sound) {
        json_tree_free (tree);
        return NULL;
    }
    tree->text = g_strndup (begin, (gsize)(reader->at - begin));
    return tree;
}

JsonTree *
json_tree_new (const char *text, size_t size, unsigned depth, bool *is_deep)
{
    g_autofree char *copy = g_strndup (text, size);
    Reader reader = {.at = copy};
    bool is_utf8 = g_utf8_validate_len (text, size, NULL);
    JsonTree *tree = read_value (&reader, depth);

    *is_deep = reader.is_deep;
    if (tree) {
        skip_space (&reader);
        if (is_utf8 && *reader.at == '\0') {
            return tree;
        }
        json_tree_free (tree);
    }
    return NULL;
}
