#include <arec/sources.h>

#include <string.h>

#include "remote/url.h"

/* Components `.` and repeated slashes are dropped. `..` stays: after a symbolic link it is not
 * the component before it. */
char *
arec_source_absolute (const char *text, const char *directory)
{
    GString *path = g_string_new (NULL);

    if (arec_url_is_url (text)) {
        g_string_free (path, TRUE);
        return arec_url_redact (text);
    }
    if (text[0] != '/') {
        g_string_append (path, strcmp (directory, "/") == 0 ? "" : directory);
    }
    while (*text) {
        size_t length = strcspn (text, "/");

        if (length > 0 && !(length == 1 && text[0] == '.')) {
            g_string_append_c (path, '/');
            g_string_append_len (path, text, (gssize)length);
        }
        text += length;
        text += strspn (text, "/");
    }
    if (path->len == 0) {
        g_string_append_c (path, '/');
    }
    return g_string_free (path, FALSE);
}

char *
arec_source_shown (const char *text)
{
    return arec_url_redact (text);
}

/* Drops all digits at the end of @name, @length bytes long; false: there are fewer than five.
 */
static bool
drop_digits (const char *name, size_t *length)
{
    size_t n = 0;

    while (n < *length && g_ascii_isdigit (name[*length - n - 1])) {
        n++;
    }
    *length -= n;
    return n >= 5;
}

static bool
drop_suffix (const char *name, size_t *length, const char *suffix)
{
    size_t n = strlen (suffix);

    if (*length < n || memcmp (name + *length - n, suffix, n) != 0) {
        return false;
    }
    *length -= n;
    return true;
}

bool
arec_source_name_is_array_record (const char *name)
{
    size_t length = strlen (name);

    return g_str_has_suffix (name, ".array_record") ||
           g_str_has_suffix (name, ".arrayrecord") ||
           (drop_digits (name, &length) && drop_suffix (name, &length, "-of-") &&
            drop_digits (name, &length) && drop_suffix (name, &length, ".array_record-"));
}
