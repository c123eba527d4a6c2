#include "mount/fuse_messages.h"

#include <stdarg.h>
#include <stdbool.h>

#include <fuse_log.h>
#include <glib.h>

static char kept[512];
static bool are_kept;

static void on_message (enum fuse_log_level level, const char *format, va_list args)
    G_GNUC_PRINTF (2, 0);

static void
on_message (enum fuse_log_level level, const char *format, va_list args)
{
    g_autofree char *message = g_strchomp (g_strdup_vprintf (format, args));

    if (are_kept) {
        g_strlcpy (kept, message, sizeof kept);
    } else {
        g_log (G_LOG_DOMAIN,
               level <= FUSE_LOG_WARNING ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_DEBUG, "%s",
               message);
    }
}

void
arecfs_fuse_messages_keep (void)
{
    kept[0] = '\0';
    are_kept = true;
    fuse_set_log_func (on_message);
}

const char *
arecfs_fuse_messages_kept (void)
{
    return kept;
}

void
arecfs_fuse_messages_log (void)
{
    are_kept = false;
}
