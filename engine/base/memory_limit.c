#include "base/memory_limit.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib.h>

/* ---- numbers in files ---- */

/* "max", text that is no number and v1's huge "unlimited" one all mean: no limit. */
static uint64_t
limit_of_text (const char *text)
{
    uint64_t value;

    return g_ascii_string_to_unsigned (text, 10, 1, G_MAXUINT64, &value, NULL) ? value
                                                                               : G_MAXUINT64;
}

static uint64_t
limit_in_file (const char *folder, const char *file)
{
    g_autofree char *path = g_build_filename (folder, file, NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents (path, &text, NULL, NULL) ? limit_of_text (g_strstrip (text))
                                                         : G_MAXUINT64;
}

/* v1 also lists groups that cannot be seen from here. */
static uint64_t
limit_in_stat (const char *folder)
{
    static const char name[] = "hierarchical_memory_limit ";
    g_autofree char *path = g_build_filename (folder, "memory.stat", NULL);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;
    uint64_t least = G_MAXUINT64;

    if (!g_file_get_contents (path, &text, NULL, NULL)) {
        return least;
    }
    lines = g_strsplit (text, "\n", -1);
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix (*line, name)) {
            least = MIN (least, limit_of_text (*line + strlen (name)));
        }
    }
    return least;
}

/* ---- hierarchies ---- */

typedef enum { NEITHER, V1, V2 } Version;

static bool
has_word (const char *list, const char *word)
{
    g_auto (GStrv) words = g_strsplit (list, ",", -1);

    return g_strv_contains ((const char *const *)words, word);
}

static uint64_t
limit_in_folder (Version version, const char *folder)
{
    if (version == V1) {
        return MIN (limit_in_file (folder, "memory.limit_in_bytes"), limit_in_stat (folder));
    }
    /* Above `high` nothing is killed, but all is slowed down until nothing moves any more. */
    return MIN (limit_in_file (folder, "memory.max"), limit_in_file (folder, "memory.high"));
}

/* The least limit from the group at @path below @mount_point upwards to that. */
static uint64_t
least_limit (Version version, const char *mount_point, const char *path)
{
    g_autofree char *folder = g_strconcat (mount_point, path, NULL);
    uint64_t least = G_MAXUINT64;

    while (strlen (folder) >= strlen (mount_point)) {
        char *slash;

        least = MIN (least, limit_in_folder (version, folder));
        slash = strrchr (folder, '/');
        if (!slash) {
            break;
        }
        *slash = '\0';
    }
    return least;
}

/* A line of /proc/self/mountinfo, as far as it is about memory. */
typedef struct {
    Version version; /* NEITHER: it is not */
    char *root;      /* the group that is mounted */
    char *mount_point;
} Mount;

static void
mount_clear (Mount *mount)
{
    g_free (mount->root);
    g_free (mount->mount_point);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Mount, mount_clear)

static Version
version_of (const char *type, const char *super_options)
{
    return strcmp (type, "cgroup2") == 0                                        ? V2
           : strcmp (type, "cgroup") == 0 && has_word (super_options, "memory") ? V1
                                                                                : NEITHER;
}

/* ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTIONS [TAG]... - TYPE SOURCE SUPER-OPTIONS */
static Mount
parse_mount (const char *line)
{
    g_auto (GStrv) halves = g_strsplit (line, " - ", 2);
    g_auto (GStrv) before = NULL, behind = NULL;
    Mount mount = {0};

    if (g_strv_length (halves) != 2) {
        return mount;
    }
    before = g_strsplit (halves[0], " ", 6);
    behind = g_strsplit (halves[1], " ", 3);
    if (g_strv_length (before) == 6 && g_strv_length (behind) == 3) {
        mount.version = version_of (behind[0], behind[2]);
        mount.root = g_strcompress (before[3]);
        mount.mount_point = g_strcompress (before[4]);
    }
    return mount;
}

/* The group of a line of /proc/self/cgroup, NUMBER:CONTROLLERS:GROUP, if that is of @version;
 * else NULL. */
static const char *
group_of (Version version, const char *line)
{
    g_auto (GStrv) parts = g_strsplit (line, ":", 3);

    if (g_strv_length (parts) != 3 ||
        (version == V2 ? parts[1][0] != '\0' : !has_word (parts[1], "memory"))) {
        return NULL;
    }
    return line + strlen (parts[0]) + strlen (parts[1]) + 2;
}

/* Where @group lies below the group @root; NULL: it does not. */
static const char *
path_below (const char *root, const char *group)
{
    size_t n = strcmp (root, "/") == 0 ? 0 : strlen (root);

    return strncmp (root, group, n) == 0 && (group[n] == '/' || group[n] == '\0') ? group + n
                                                                                  : NULL;
}

/* The least limit for @group in @mounts. Only where it lies below none of what is mounted, as
 * when a container sees but its own group and not where that is, their roots count. */
static uint64_t
limit_of_group (Version version, const char *group, char *const *mounts)
{
    uint64_t found = G_MAXUINT64, others = G_MAXUINT64;
    bool is_found = false;

    for (; *mounts; mounts++) {
        g_auto (Mount) mount = parse_mount (*mounts);
        const char *path;

        if (mount.version != version) {
            continue;
        }
        path = path_below (mount.root, group);
        if (path) {
            is_found = true;
            found = MIN (found, least_limit (version, mount.mount_point, path));
        } else {
            others = MIN (others, least_limit (version, mount.mount_point, ""));
        }
    }
    return is_found ? found : others;
}

static GStrv
lines_of (const char *path)
{
    g_autofree char *text = NULL;

    return g_file_get_contents (path, &text, NULL, NULL) ? g_strsplit (text, "\n", -1) : NULL;
}

uint64_t
arec_cgroup_memory_limit (const char *groups, const char *mounts)
{
    g_auto (GStrv) group_lines = lines_of (groups);
    g_auto (GStrv) mount_lines = lines_of (mounts);
    uint64_t least = G_MAXUINT64;

    if (!group_lines || !mount_lines) {
        return least;
    }
    for (char **line = group_lines; *line; line++) {
        for (Version version = V1; version <= V2; version++) {
            const char *group = group_of (version, *line);

            if (group) {
                least = MIN (least, limit_of_group (version, group, mount_lines));
            }
        }
    }
    return least;
}

/* ---- this process ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t limit;

static void
find_limit (void)
{
    struct rlimit rlimit;

    limit = (uint64_t)sysconf (_SC_PHYS_PAGES) * (uint64_t)sysconf (_SC_PAGE_SIZE);
    limit = MIN (limit, arec_cgroup_memory_limit ("/proc/self/cgroup", "/proc/self/mountinfo"));
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
