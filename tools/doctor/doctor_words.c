#include "doctor/doctor_words.h"

#include <stdbool.h>
#include <string.h>

#include <arec/arec.h>

/* What no shell does anything with. */
static bool
is_plain (const char *text)
{
    static const char others[] = "-_./:,+=@%";

    for (const char *c = text; *c; c++) {
        if (!g_ascii_isalnum (*c) && !strchr (others, *c)) {
            return false;
        }
    }
    return *text != '\0';
}

static char *
quote_bytes (const char *text)
{
    GString *quoted = g_string_new ("$'");

    for (const char *c = text; *c; c++) {
        if (*c == '\'' || *c == '\\') {
            g_string_append_printf (quoted, "\\%c", *c);
        } else if (g_ascii_isprint (*c)) {
            g_string_append_c (quoted, *c);
        } else {
            /* Three digits: what follows cannot be taken for another one. */
            g_string_append_printf (quoted, "\\%03o", (unsigned char)*c);
        }
    }
    g_string_append_c (quoted, '\'');
    return g_string_free (quoted, FALSE);
}

char *
tool_doctor_words_quote (const char *text)
{
    g_autofree char *printable = arec_text_printable (text);

    if (is_plain (text)) {
        return g_strdup (text);
    }
    return strcmp (printable, text) == 0 ? g_shell_quote (text) : quote_bytes (text);
}

char *
tool_doctor_words_join (char *const *argv)
{
    GString *line = g_string_new (NULL);

    for (; *argv; argv++) {
        g_autofree char *word = tool_doctor_words_quote (*argv);

        g_string_append_printf (line, "%s%s", line->len > 0 ? " " : "", word);
    }
    return g_string_free (line, FALSE);
}

char *
tool_doctor_words_operand (const char *path)
{
    return g_strconcat (path[0] == '-' ? "./" : "", path, NULL);
}
