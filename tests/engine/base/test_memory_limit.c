/* The memory limit sees RLIMIT_AS and cgroups, and is never more than the machine has. */
#include "base/memory_limit.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "sanitized.h"

static uint64_t
physical (void)
{
    return (uint64_t)sysconf (_SC_PHYS_PAGES) * (uint64_t)sysconf (_SC_PAGE_SIZE);
}

static void
test_below_machine (void)
{
    g_assert_cmpuint (arec_memory_limit(), >, 0);
    g_assert_cmpuint (arec_memory_limit(), <=, physical());
    g_assert_cmpuint (arec_memory_limit(), ==, arec_memory_limit());
}

/* In a process of its own, because the answer is found once. */
static void
test_rlimit (void)
{
    enum { LIMIT = 128 << 20 };

#ifdef SANITIZED
    g_test_skip ("a sanitizer needs terabytes of address space");
    return;
#endif
    if (g_test_subprocess()) {
        struct rlimit limit;

        g_assert_cmpint (getrlimit (RLIMIT_AS, &limit), ==, 0);
        limit.rlim_cur = LIMIT;
        g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
        _exit (arec_memory_limit() <= LIMIT && arec_memory_limit() > 0 ? 0 : 1);
    }
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_passed();
}

/* ---- cgroups, in a folder with files like theirs ---- */

typedef struct {
    const char *name;
    const char *groups;      /* /proc/self/cgroup */
    const char *mounts;      /* /proc/self/mountinfo, with $ for the folder */
    const char *files[3][2]; /* path below the folder, content */
    uint64_t limit;
} Case;

#define MOUNT(root, point, type, options)                                                      \
    "35 31 0:32 " root " $" point " rw,relatime shared:9 - " type " " type " " options "\n"
#define MOUNT_V2 MOUNT ("/", "", "cgroup2", "rw")
#define MOUNT_V1                                                                               \
    "31 23 0:28 / $ rw,relatime - tmpfs tmpfs rw\n" MOUNT ("/", "/cpu", "cgroup", "rw,cpu")    \
        MOUNT ("/", "/memory", "cgroup", "rw,memory")

static const Case cases[] = {
    {"v2", "0::/a/b\n", MOUNT_V2, {{"a/b/memory.max", "300000000\n"}}, 300000000},
    {"v2-parent",
     "0::/a/b\n",
     MOUNT_V2,
     {{"a/b/memory.max", "max\n"}, {"a/memory.max", "7000\n"}},
     7000},
    {"v2-least",
     "0::/a/b\n",
     MOUNT_V2,
     {{"a/b/memory.max", "5000\n"}, {"a/memory.max", "7000\n"}, {"memory.max", "6000\n"}},
     5000},
    {"v2-high",
     "0::/a\n",
     MOUNT_V2,
     {{"a/memory.max", "9000\n"}, {"a/memory.high", "7000\n"}},
     7000},
    {"v2-own-namespace", "0::/\n", MOUNT_V2, {{"memory.max", "4000\n"}}, 4000},
    {"v2-unlimited", "0::/a\n", MOUNT_V2, {{"a/memory.max", "max\n"}}, UINT64_MAX},
    {"v2-other-group", "0::/a\n", MOUNT_V2, {{"b/memory.max", "4000\n"}}, UINT64_MAX},
    {"v2-beside-v1",
     "4:memory:/\n0::/a\n",
     MOUNT_V1 MOUNT ("/", "/unified", "cgroup2", "rw"),
     {{"unified/a/memory.max", "4000\n"}},
     4000},
    {"v1",
     "5:cpu,cpuacct:/x\n4:memory:/a\n",
     MOUNT_V1,
     {{"memory/a/memory.limit_in_bytes", "9000\n"}, {"memory/x/memory.limit_in_bytes", "1\n"}},
     9000},
    {"v1-parent",
     "4:memory:/a/b\n",
     MOUNT_V1,
     {{"memory/a/b/memory.limit_in_bytes", "9223372036854771712\n"},
      {"memory/a/memory.limit_in_bytes", "8000\n"}},
     8000},
    {"v1-parent-out-of-sight",
     "4:memory:/\n",
     MOUNT_V1,
     {{"memory/memory.limit_in_bytes", "9223372036854771712\n"},
      {"memory/memory.stat", "cache 1\nhierarchical_memory_limit 7000\nrss 1\n"}},
     7000},
    /* A container that sees only its own group mounted: its path is that of the host. */
    {"v1-mounted-group",
     "4:memory:/docker/a\n",
     MOUNT ("/docker/a", "/memory", "cgroup", "rw,memory"),
     {{"memory/memory.limit_in_bytes", "9000\n"}},
     9000},
    {"v1-below-mounted-group",
     "4:memory:/docker/a/b\n",
     MOUNT ("/docker/a", "/memory", "cgroup", "rw,memory"),
     {{"memory/memory.limit_in_bytes", "9000\n"}, {"memory/b/memory.limit_in_bytes", "8000\n"}},
     8000},
    {"v1-mounted-elsewhere",
     "4:memory:/\n",
     MOUNT ("/docker/a", "/memory", "cgroup", "rw,memory"),
     {{"memory/memory.limit_in_bytes", "9000\n"}},
     9000},
    {"v1-other-mounted-too",
     "4:memory:/a\n",
     MOUNT_V1 MOUNT ("/ab", "/ab", "cgroup", "rw,memory"),
     {{"memory/a/memory.limit_in_bytes", "9000\n"}, {"ab/memory.limit_in_bytes", "1\n"}},
     9000},
    {"v1-escaped",
     "4:cpu,memory:/a\n",
     MOUNT ("/", "/cpu\\040and", "cgroup", "rw,cpu,memory"),
     {{"cpu and/a/memory.limit_in_bytes", "9000\n"}},
     9000},
    {"both",
     "4:memory:/a\n0::/a\n",
     MOUNT_V1 MOUNT_V2,
     {{"memory/a/memory.limit_in_bytes", "9000\n"}, {"a/memory.max", "8000\n"}},
     8000},
    {"none", "", MOUNT_V2, {{"memory.max", "4000\n"}}, UINT64_MAX},
    {"not-mounted", "0::/\n", "", {{"memory.max", "4000\n"}}, UINT64_MAX},
    {"no-lines", "0::/\n", "31\n - \n1 2 3 4 - cgroup2\n", {{"memory.max", "1\n"}}, UINT64_MAX},
};

static void
write_file (const char *root, const char *path, const char *text)
{
    g_autofree char *full = g_build_filename (root, path, NULL);
    g_autofree char *folder = g_path_get_dirname (full);

    g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
    g_assert_true (g_file_set_contents (full, text, -1, NULL));
}

static void
test_cgroup (gconstpointer data)
{
    const Case *test = data;
    g_autofree char *root = g_dir_make_tmp ("arec-cgroup-XXXXXX", NULL);
    g_autofree char *groups = g_build_filename (root, "groups", NULL);
    g_autofree char *mount = g_build_filename (root, "cgroup", NULL);
    g_autofree char *mounts = g_build_filename (root, "mounts", NULL);
    g_auto (GStrv) pieces = g_strsplit (test->mounts, "$", -1);
    g_autofree char *lines = g_strjoinv (mount, pieces);
    const char *argv[] = {"rm", "-r", root, NULL};

    write_file (root, "groups", test->groups);
    write_file (root, "mounts", lines);
    for (size_t i = 0; i < G_N_ELEMENTS (test->files) && test->files[i][0]; i++) {
        write_file (mount, test->files[i][0], test->files[i][1]);
    }
    g_assert_cmpuint (arec_cgroup_memory_limit (groups, mounts), ==, test->limit);
    g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                                 NULL, NULL, NULL, NULL));
}

static void
test_no_cgroups (void)
{
    g_assert_cmpuint (arec_cgroup_memory_limit ("/nonexistent/cgroup", "/nonexistent"), ==,
                      UINT64_MAX);
}

/* The cgroup of this process counts. */
static void
test_own_cgroup (void)
{
    g_assert_cmpuint (arec_memory_limit(), <=,
                      arec_cgroup_memory_limit ("/proc/self/cgroup", "/proc/self/mountinfo"));
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/memory-limit/machine", test_below_machine);
    g_test_add_func ("/memory-limit/rlimit", test_rlimit);
    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_autofree char *path = g_strconcat ("/memory-limit/cgroup/", cases[i].name, NULL);

        g_test_add_data_func (path, &cases[i], test_cgroup);
    }
    g_test_add_func ("/memory-limit/no-cgroups", test_no_cgroups);
    g_test_add_func ("/memory-limit/own-cgroup", test_own_cgroup);
    return g_test_run();
}
