/* A second parser of JSON, made of nothing of the engine: by RFC 8259 it makes a tree, calls
 * itself, and copies what it decodes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

typedef enum {
    JSON_TREE_NULL,
    JSON_TREE_BOOLEAN,
    JSON_TREE_NUMBER,
    JSON_TREE_STRING,
    JSON_TREE_ARRAY,
    JSON_TREE_OBJECT,
} JsonTreeKind;

typedef struct {
    JsonTreeKind kind;
    char *text;       /* as it stands */
    GString *decoded; /* of a STRING */
    bool is_broken;   /* of a STRING: half a surrogate pair is in it */
    GPtrArray *items; /* of an ARRAY its elements, of an OBJECT keys and values in turn */
} JsonTree;

/* NULL: the text is no JSON, or *is_deep, it nests deeper than @depth. */
JsonTree *json_tree_new (const char *text, size_t size, unsigned depth, bool *is_deep);
void json_tree_free (void *tree);
