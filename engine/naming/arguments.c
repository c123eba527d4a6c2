#include <string.h>

#include <arec/sources.h>

#include "remote/url.h"

/* The query of a URL in @text; NULL: there is none. */
static char *
query_of (char *text)
{
    return arec_url_is_url (text) ? strchr (text, '?') : NULL;
}

char **
arec_source_hide_queries (int argc, char **argv)
{
    char **copies = g_new0 (char *, (size_t)argc + 1);

    for (int i = 0; i < argc; i++) {
        char *query = query_of (argv[i]);

        copies[i] = g_strdup (argv[i]);
        if (query) {
            memset (query + 1, '*', strlen (query + 1));
        }
    }
    return copies;
}
