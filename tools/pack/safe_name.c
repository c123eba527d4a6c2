#include "pack/safe_name.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* A part of a path, up to the slash after it. */
typedef struct {
    const char *at;
    size_t length;
} Part;

static bool
is_word (Part part, const char *word)
{
    return part.length == strlen (word) && memcmp (part.at, word, part.length) == 0;
}

static bool
next_part (Part *part)
{
    const char *end = part->at + part->length;

    if (*end == '\0') {
        return false;
    }
    part->at = end + 1;
    part->length = strcspn (part->at, "/");
    return true;
}

static const char *
part_fault (Part part, size_t max_part)
{
    if (part.length == 0) {
        return "has an empty part";
    }
    if (is_word (part, "..")) {
        return "has a part `..`";
    }
    return part.length > max_part ? "is too long" : NULL;
}

const char *
tool_safe_name_fault (const char *name, size_t max_part)
{
    Part part = {name, strcspn (name, "/")};

    if (name[0] == '/') {
        return "is absolute";
    }
    if (strlen (name) >= PATH_MAX) {
        return "is too long";
    }
    do {
        const char *fault = part_fault (part, max_part);

        if (fault) {
            return fault;
        }
    } while (next_part (&part));
    return is_word (part, ".") ? "is that of a folder" : NULL;
}

char *
tool_safe_name_without_dots (const char *name)
{
    Part part = {name, strcspn (name, "/")};
    GString *text;
    bool has_dots = false;

    if (name[0] != '.' && !strstr (name, "/.")) {
        return NULL;
    }
    text = g_string_new (NULL);
    do {
        if (is_word (part, ".")) {
            has_dots = true;
        } else {
            g_string_append_printf (text, "%s%.*s", text->len > 0 ? "/" : "", (int)part.length,
                                    part.at);
        }
    } while (next_part (&part));
    return g_string_free (text, !has_dots);
}
