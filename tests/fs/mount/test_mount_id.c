/* Which mount a path leads to, by both ways in which the kernel reports it. */
#include "mount/mount_id.h"

#include <errno.h>

#include <glib.h>

static void
test_fdinfo (void)
{
    static const struct {
        const char *text;
        uint64_t id;
    } rows[] = {
        {"pos:\t0\nflags:\t012000000\nmnt_id:\t31\nino:\t2\n", 31},
        {"mnt_id:\t4294967296\n", UINT64_C (1) << 32},
        {"pos:\t0\nmnt_id:\t7", 7},
        {"pos:\t0\nflags:\t012000000\n", 0}, /* before 3.15 */
        {"pos:\t0\nold_mnt_id:\t31\n", 0},
        {"mnt_id:\t\n", 0},
        {"", 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_assert_cmpuint (arecfs_mount_id_of_fdinfo (rows[i].text), ==, rows[i].id);
    }
}

static void
test_both_ways (void)
{
    static const char *const paths[] = {"/", "/proc", "/proc/self", "/dev/null"};

    for (size_t i = 0; i < G_N_ELEMENTS (paths); i++) {
        ArecfsMountId id, by_descriptor;

        g_assert_true (arecfs_mount_id_get (paths[i], &id));
        g_assert_true (arecfs_mount_id_get_by_descriptor (paths[i], &by_descriptor));
        g_assert_cmpuint (by_descriptor.id, !=, 0);
        g_assert_true (arecfs_mount_id_equal (&id, &by_descriptor));
    }
}

static void
test_absent (void)
{
    ArecfsMountId id;

    g_assert_false (arecfs_mount_id_get_by_descriptor ("/proc/no such", &id));
    g_assert_cmpint (errno, ==, ENOENT);
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/mount-id/fdinfo", test_fdinfo);
    g_test_add_func ("/mount-id/both-ways", test_both_ways);
    g_test_add_func ("/mount-id/absent", test_absent);
    return g_test_run();
}
