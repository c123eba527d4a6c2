#include "damage_log.h"

#include <pthread.h>
#include <string.h>

/* Damages remembered; with more of them than this in one mount, some are told twice. */
#define MAX_REMEMBERED 100000

struct ArecfsDamageLog {
    pthread_mutex_t lock;
    GHashTable *told; /* places: `FILE: at OFFSET` */
};

/* What tells damages apart: source and offset, or the whole message where there is no offset.
 * g_free (). */
static char *
place_of (const char *message)
{
    static const char before[] = ": at ";

    for (const char *at = message; (at = strstr (at, before));) {
        size_t digits = strspn (at += strlen (before), "0123456789");

        /* A file may be named like this too, but for the colon behind the number. */
        if (digits > 0 && at[digits] == ':') {
            return g_strndup (message, (gsize)(at - message) + digits);
        }
    }
    return g_strdup (message);
}

ArecfsDamageLog *
arecfs_damage_log_new (void)
{
    ArecfsDamageLog *log = g_new0 (ArecfsDamageLog, 1);

    pthread_mutex_init (&log->lock, NULL);
    log->told = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    return log;
}

void
arecfs_damage_log_free (ArecfsDamageLog *log)
{
    if (!log) {
        return;
    }
    g_hash_table_unref (log->told);
    pthread_mutex_destroy (&log->lock);
    g_free (log);
}

void
arecfs_damage_log_report (ArecfsDamageLog *log, const GError *error)
{
    bool is_new;

    pthread_mutex_lock (&log->lock);
    if (g_hash_table_size (log->told) >= MAX_REMEMBERED) {
        g_hash_table_remove_all (log->told);
    }
    is_new = g_hash_table_add (log->told, place_of (error->message));
    pthread_mutex_unlock (&log->lock);
    if (is_new) {
        g_warning ("%s", error->message);
    }
}
