#include "base/memory_limit.h"

#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib.h>

static uint64_t
limit_in_file (const char *path)
{
    g_autofree char *text = NULL;
    uint64_t value;

    /* "max", an absent file and v1's huge "unlimited" number all mean: no limit. */
    if (!g_file_get_contents (path, &text, NULL, NULL) ||
        !g_ascii_string_to_unsigned (g_strstrip (text), 10, 1, G_MAXUINT64, &value, NULL)) {
        return G_MAXUINT64;
    }
    return value;
}

/* The least limit from the cgroup @group upwards below @root. */
static uint64_t
least_limit (const char *root, const char *group, const char *file)
{
    g_autofree char *path = g_strconcat (root, group, NULL);
    uint64_t least = G_MAXUINT64;

    while (strlen (path) >= strlen (root)) {
        g_autofree char *limit = g_build_filename (path, file, NULL);
        char *slash;

        least = MIN (least, limit_in_file (limit));
        slash = strrchr (path, '/');
        if (!slash) {
            break;
        }
        *slash = '\0';
    }
    return least;
}

uint64_t
arec_cgroup_memory_limit (const char *groups, const char *root)
{
    g_autofree char *root_of_v1 = g_build_filename (root, "memory", NULL);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;
    uint64_t least = G_MAXUINT64;

    if (!g_file_get_contents (groups, &text, NULL, NULL)) {
        return least;
    }
    lines = g_strsplit (text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto (GStrv) parts = g_strsplit (*line, ":", 3); /* number : controllers : group */

        if (g_strv_length (parts) != 3) {
            continue;
        }
        if (parts[1][0] == '\0') {
            least = MIN (least, least_limit (root, parts[2], "memory.max"));
        } else if (strstr (parts[1], "memory")) {
            least = MIN (least, least_limit (root_of_v1, parts[2], "memory.limit_in_bytes"));
        }
    }
    return least;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t limit;

static void
find_limit (void)
{
    struct rlimit rlimit;

    limit = (uint64_t)sysconf (_SC_PHYS_PAGES) * (uint64_t)sysconf (_SC_PAGE_SIZE);
    limit = MIN (limit, arec_cgroup_memory_limit ("/proc/self/cgroup", "/sys/fs/cgroup"));
    if (getrlimit (RLIMIT_AS, &rlimit) == 0 && rlimit.rlim_cur != RLIM_INFINITY) {
        limit = MIN (limit, rlimit.rlim_cur);
    }
}

uint64_t
arec_memory_limit (void)
{
    pthread_once (&once, find_limit);
    return limit;
}
