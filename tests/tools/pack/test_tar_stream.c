/* Tar archives as `tar` reads them, and the fields that it would not tell of. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "pack/tar_stream.h"

enum { BLOCK = 512, CHECKSUM_AT = 148, CHECKSUM_SIZE = 8, TYPE_AT = 156 };

#define GIB (UINT64_C (1) << 30)

static const ToolTarMember members[] = {
    {.name = "0", .size = 0, .mtime = 0},
    {.name = "1.png", .size = 511, .mtime = 1},
    {.name = "2", .size = 512, .mtime = 1700000000},
    {.name = "3", .size = 513, .mtime = 1700000000},
    {.name = "largest of ustar", .size = 8 * GIB - 1, .mtime = (INT64_C (1) << 33) - 1},
    {.name = "pax", .size = 8 * GIB, .mtime = INT64_C (1) << 33},
    {.name = "far", .size = 100 * GIB + 513, .mtime = 1},
    {.name = "old", .size = 1, .mtime = -1},
    {.name = "a/b/\xc3\xa4 \xe2\x82\xac", .size = 3, .mtime = 1},
};

static void
append (int fd, const GByteArray *bytes)
{
    g_assert_cmpint (write (fd, bytes->data, bytes->len), ==, (ssize_t)bytes->len);
}

/* Appends @member with a hole for its bytes. */
static void
append_member (int fd, const ToolTarMember *member)
{
    g_autoptr (GByteArray) header = g_byte_array_new();
    size_t padding = tool_tar_stream_padding (member->size);
    off_t end;

    tool_tar_stream_put_header (header, member);
    append (fd, header);
    end = lseek (fd, (off_t)(member->size + padding), SEEK_CUR);
    g_assert_cmpint (end % BLOCK, ==, 0);
    g_assert_cmpuint (padding, <, BLOCK);
}

static void
append_end (int fd)
{
    g_autoptr (GByteArray) end = g_byte_array_new();

    tool_tar_stream_put_end (end);
    append (fd, end);
}

/* What `tar` lists of the archive @path: it must find nothing wrong. */
static char **
list_archive (const char *path)
{
    const char *const argv[] = {
        "tar",  "--utc", "--full-time", "--numeric-owner", "--quoting-style=literal",
        "-tvf", path,    NULL};
    g_autoptr (GError) error = NULL;
    g_autofree char *out = NULL, *err = NULL;
    int status;

    g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err,
                  &status, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (err, ==, "");
    g_assert_cmpint (status, ==, 0);
    g_assert_true (*out == '\0' || g_str_has_suffix (out, "\n"));
    return g_strsplit (g_strchomp (out), "\n", -1);
}

/* The line of `tar`, without the spaces that bring sizes under each other. */
static void
check_line (const char *line, const ToolTarMember *member)
{
    g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (member->mtime);
    g_autofree char *date = g_date_time_format (time, "%Y-%m-%d %H:%M:%S");
    g_autofree char *expected =
        g_strdup_printf ("%" PRIu64 " %s %s", member->size, date, member->name);

    g_assert_true (g_str_has_prefix (line, "-rw-r--r-- 0/0 "));
    line += strlen ("-rw-r--r-- 0/0 ");
    g_assert_cmpstr (line + strspn (line, " "), ==, expected);
}

static void
check_archive (const ToolTarMember *wanted, size_t n)
{
    g_autofree char *path = g_build_filename (g_get_tmp_dir(), "arec-tar-XXXXXX", NULL);
    g_auto (GStrv) lines = NULL;
    int fd = g_mkstemp (path);

    g_assert_cmpint (fd, >=, 0);
    for (size_t i = 0; i < n; i++) {
        append_member (fd, &wanted[i]);
    }
    append_end (fd);
    close (fd);
    lines = list_archive (path);
    unlink (path);
    g_assert_cmpuint (g_strv_length (lines), ==, n);
    for (size_t i = 0; i < n; i++) {
        check_line (lines[i], &wanted[i]);
    }
}

static void
test_members (void)
{
    check_archive (members, G_N_ELEMENTS (members));
}

static void
test_no_member (void)
{
    check_archive (NULL, 0);
}

/* Lengths around those at which a name leaves the header, and at which the length of a pax
 * record gets another digit. */
static void
test_long_names (void)
{
    static const size_t lengths[] = {1,   98,  99,  100, 101, 102, 254, 255, 256,
                                     985, 986, 987, 988, 989, 990, 991, 4000};
    ToolTarMember wanted[G_N_ELEMENTS (lengths)];
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

    for (size_t i = 0; i < G_N_ELEMENTS (lengths); i++) {
        char *name = g_strnfill (lengths[i], 'x');

        g_ptr_array_add (names, name);
        wanted[i] = (ToolTarMember){.name = name, .size = i, .mtime = 7};
    }
    check_archive (wanted, G_N_ELEMENTS (wanted));
}

/* Only what does not fit has a pax header: three blocks instead of one. */
static void
test_pax_only_if_needed (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (members); i++) {
        const ToolTarMember *member = &members[i];
        bool needed =
            member->size >= 8 * GIB || member->mtime < 0 || member->mtime >= INT64_C (1) << 33;
        g_autoptr (GByteArray) header = g_byte_array_new();

        tool_tar_stream_put_header (header, member);
        g_assert_cmpuint (header->len, ==, needed ? 3 * BLOCK : BLOCK);
        g_assert_cmpint (header->data[TYPE_AT], ==, needed ? 'x' : '0');
    }
}

/* By the definition: the sum of the bytes with spaces in place of the sum, six octal digits, a
 * NUL and a space. */
static void
test_checksum (void)
{
    g_autoptr (GByteArray) header = g_byte_array_new();
    g_autofree char *expected = NULL;
    unsigned sum = CHECKSUM_SIZE * ' ';

    tool_tar_stream_put_header (header, &members[3]);
    for (size_t i = 0; i < BLOCK; i++) {
        if (i < CHECKSUM_AT || i >= CHECKSUM_AT + CHECKSUM_SIZE) {
            sum += header->data[i];
        }
    }
    expected = g_strdup_printf ("%06o", sum);
    g_assert_cmpmem (header->data + CHECKSUM_AT, 7, expected, 7);
    g_assert_cmpint (header->data[CHECKSUM_AT + 7], ==, ' ');
}

static void
test_padding (void)
{
    static const struct {
        uint64_t size;
        size_t padding;
    } cases[] = {{0, 0},     {1, 511},  {511, 1},           {512, 0},
                 {513, 511}, {1024, 0}, {8 * GIB + 1, 511}, {UINT64_MAX, 1}};

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        g_assert_cmpuint (tool_tar_stream_padding (cases[i].size), ==, cases[i].padding);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/tar_stream/members", test_members);
    g_test_add_func ("/tar_stream/no_member", test_no_member);
    g_test_add_func ("/tar_stream/long_names", test_long_names);
    g_test_add_func ("/tar_stream/pax_only_if_needed", test_pax_only_if_needed);
    g_test_add_func ("/tar_stream/checksum", test_checksum);
    g_test_add_func ("/tar_stream/padding", test_padding);
    return g_test_run();
}
