/* Which mount lies on top at a path, by tables as the kernel writes them. */
#include "mount/mount_table.h"

#include <string.h>

/* The root is mount 20, as `/` of a process. */
static const char text[] =
    "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
    "30 20 0:40 / /mnt/a ro,nosuid,nodev - fuse.arecfs a.array_record ro,user_id=0\n"
    /* A mount over the whole of b, and one that is visible in it. */
    "31 20 0:41 / /mnt/b/in ro - fuse.arecfs b.array_record ro\n"
    "32 20 0:42 / /mnt/b rw shared:2 master:1 - tmpfs tmpfs rw\n"
    "33 32 0:43 / /mnt/b/in rw - tmpfs tmpfs rw\n"
    /* Three mounts on each other, the middle one moved there last. */
    "34 20 0:44 / /mnt/c rw - tmpfs tmpfs rw\n"
    "35 36 0:45 / /mnt/c rw - tmpfs tmpfs rw\n"
    "36 34 0:46 / /mnt/c ro - fuse.arecfs c.array_record ro\n"
    /* The same filesystem twice. */
    "37 20 0:40 / /mnt/d ro - fuse.arecfs a.array_record ro\n"
    "38 20 0:47 / /mnt/a\\040b\\134c\\011d ro - fuse.arecfs x ro\n"
    "39 20 0:48 / /mnt/abc rw - tmpfs tmpfs rw\n"
    "no line\n"
    "40 20 0:49 / /mnt/cut rw\n"
    "\n";

static uint64_t
id_of (const ArecfsMountEntry *entry)
{
    return entry ? entry->id.id : 0;
}

static void
test_on_top (void)
{
    static const struct {
        const char *path;
        uint64_t top, at;
    } rows[] = {
        {"/", 0, 0}, /* the root is the start of every path */
        {"/mnt", 0, 0},
        {"/mnt/a", 30, 30},
        {"/mnt/a/00000", 30, 0},
        {"/mnt/ab", 0, 0},
        {"/mnt/abc", 39, 39},
        {"/mnt/b", 32, 32},
        {"/mnt/b/in", 33, 33}, /* 31 is gone */
        {"/mnt/b/other", 32, 0},
        {"/mnt/c", 35, 35},
        {"/mnt/c/d", 35, 0},
        {"/mnt/d", 37, 37},
        {"/mnt/a b\\c\td", 38, 38},
        {"/mnt/cut", 0, 0},
    };
    g_autoptr (ArecfsMountTable) table = arecfs_mount_table_parse (text, 20);

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_test_message ("%s", rows[i].path);
        g_assert_cmpuint (id_of (arecfs_mount_table_top (table, rows[i].path)), ==,
                          rows[i].top);
        g_assert_cmpuint (id_of (arecfs_mount_table_at (table, rows[i].path)), ==, rows[i].at);
    }
}

static void
test_get (void)
{
    g_autoptr (ArecfsMountTable) table = arecfs_mount_table_parse (text, 20);
    const ArecfsMountEntry *entry =
        arecfs_mount_table_get (table, &(ArecfsMountId){.id = 31, .minor = 41});

    g_assert_nonnull (entry);
    g_assert_cmpstr (entry->path, ==, "/mnt/b/in");
    g_assert_cmpstr (entry->type, ==, "fuse.arecfs");
    g_assert_cmpuint (entry->parent, ==, 20);
    g_assert_true (arecfs_mount_entry_is_ours (entry));
    g_assert_true (arecfs_mount_entry_has (entry, "ro"));
    g_assert_false (arecfs_mount_entry_has (entry, "r"));
    g_assert_true (arecfs_mount_table_of_minor (table, 41) == entry);
    g_assert_null (arecfs_mount_table_of_minor (table, 1));
    entry = arecfs_mount_table_get (table, &(ArecfsMountId){.id = 20, .major = 8, .minor = 1});
    g_assert_false (arecfs_mount_entry_is_ours (entry));
    /* A number that was reused belongs to another device. */
    g_assert_null (arecfs_mount_table_get (table, &(ArecfsMountId){.id = 31, .minor = 40}));
    g_assert_null (arecfs_mount_table_get (table, &(ArecfsMountId){.id = 99, .minor = 41}));
}

/* Lines that refer to each other do not loop for ever. */
static void
test_circle (void)
{
    g_autoptr (ArecfsMountTable) table =
        arecfs_mount_table_parse ("5 6 0:1 / /x rw - tmpfs t rw\n6 5 0:2 / /x rw - tmpfs t rw\n"
                                  "5 5 0:1 / / rw - tmpfs t rw\n",
                                  5);

    g_assert_nonnull (arecfs_mount_table_top (table, "/x"));
    g_assert_null (arecfs_mount_table_top (table, "/y"));
}

/* The table of this process has the mount of /proc. */
static void
test_read (void)
{
    g_autoptr (ArecfsMountTable) table = arecfs_mount_table_read();
    ArecfsMountId proc;

    g_assert_true (arecfs_mount_id_get ("/proc", &proc));
    g_assert_cmpuint (id_of (arecfs_mount_table_at (table, "/proc")), ==, proc.id);
    g_assert_nonnull (arecfs_mount_table_get (table, &proc));
    g_assert_null (arecfs_mount_table_at (table, "/proc/self"));
    g_assert_cmpuint (id_of (arecfs_mount_table_top (table, "/proc/self")), ==, proc.id);
    g_assert_false (arecfs_mount_id_get ("/proc/no such", &proc));
    arecfs_mount_table_free (NULL);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/mount-table/on-top", test_on_top);
    g_test_add_func ("/mount-table/get", test_get);
    g_test_add_func ("/mount-table/circle", test_circle);
    g_test_add_func ("/mount-table/read", test_read);
    return g_test_run();
}
