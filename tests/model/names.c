#include "operations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CONTROL ".arecfs"

/* ---- attributes ---- */

static int64_t
nanoseconds (struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void
expect_number (const Worker *worker, const ModelEntry *entry, const char *what, uint64_t found,
               uint64_t expected)
{
    if (found != expected) {
        worker_complain (worker, entry, "%s: found %" PRIu64 ", expected %" PRIu64, what, found,
                         expected);
    }
}

static void
expect_inode (const Worker *worker, ModelEntry *entry, uint64_t inode)
{
    if (inode == 0 || !model_note_inode (entry, inode)) {
        worker_complain (worker, entry, "inode number: found %" PRIu64 ", expected %" PRIu64,
                         inode, (uint64_t)entry->inode);
    }
}

static void
check_owner (const Worker *worker, const ModelEntry *entry, const struct stat *st)
{
    const ModelSource *source = entry->source;
    mode_t mode;

    if (!source) {
        return;
    }
    mode = source->mode & 0444;
    if (entry->directory) {
        mode |= mode >> 2;
    }
    expect_number (worker, entry, "permissions", st->st_mode & 07777, mode);
    expect_number (worker, entry, "owner", st->st_uid, source->uid);
    expect_number (worker, entry, "group", st->st_gid, source->gid);
    expect_number (worker, entry, "mtime", (uint64_t)nanoseconds (st->st_mtim),
                   (uint64_t)source->mtime);
}

static void
check_stat (const Worker *worker, ModelEntry *entry, const struct stat *st)
{
    expect_number (worker, entry, "kind of file", st->st_mode & S_IFMT,
                   entry->directory ? S_IFDIR : S_IFREG);
    check_owner (worker, entry, st);
    expect_inode (worker, entry, st->st_ino);
    if (!entry->directory) {
        expect_number (worker, entry, "size", (uint64_t)st->st_size, entry->size);
        expect_number (worker, entry, "blocks", (uint64_t)st->st_blocks,
                       (entry->size + 511) / 512);
        expect_number (worker, entry, "links", st->st_nlink, 1);
    }
}

/* statx () in the terms of stat (). */
static int
stat_by_statx (int root, const char *path, int flags, struct stat *st)
{
    struct statx x;
    int result = statx (root, path, flags, STATX_BASIC_STATS, &x);

    *st = (struct stat){0};
    if (result == 0) {
        st->st_mode = x.stx_mode;
        st->st_uid = x.stx_uid;
        st->st_gid = x.stx_gid;
        st->st_ino = x.stx_ino;
        st->st_size = (off_t)x.stx_size;
        st->st_blocks = (blkcnt_t)x.stx_blocks;
        st->st_nlink = x.stx_nlink;
        st->st_mtim = (struct timespec){x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec};
    }
    return result;
}

static int
stat_by_descriptor (Worker *worker, const ModelEntry *entry, const char *name, struct stat *st)
{
    int fd = worker_open (worker, entry, name, O_PATH);
    int result = fstat (fd, st);

    close (fd);
    return result;
}

void
op_stat (Worker *worker)
{
    const char *name = NULL;
    ModelEntry *entry = worker_random (worker, 8) ? worker_pick_record (worker, &name)
                                                  : worker_pick_directory (worker)->self;
    g_autofree char *path = model_path (entry, name);
    int root = worker->setup->root;
    struct stat st;
    int result;

    switch (worker_random (worker, 5)) {
    case 0: result = stat_by_descriptor (worker, entry, name, &st); break;
    case 1: result = fstatat (root, path, &st, AT_SYMLINK_NOFOLLOW); break;
    case 2: result = stat_by_statx (root, path, AT_STATX_DONT_SYNC, &st); break;
    case 3: result = stat_by_statx (root, path, AT_STATX_FORCE_SYNC, &st); break;
    default: result = fstatat (root, path, &st, 0); break;
    }
    if (result != 0) {
        worker_complain (worker, entry, "attributes of %s: found %s, expected them", path,
                         strerrorname_np (errno));
    }
    check_stat (worker, entry, &st);
}

/* ---- absent names ---- */

static const char *const malformed[] = {"+7",
                                        "-1",
                                        "-0",
                                        " 7",
                                        "7 ",
                                        "7.",
                                        "0x7",
                                        "1e2",
                                        "x",
                                        "00x",
                                        "7\n",
                                        "\xd9\xa0\xd9\xa7",
                                        "*",
                                        "[0:5]",
                                        "...",
                                        "arecfs",
                                        "18446744073709551615",
                                        "\xff",
                                        "7\t",
                                        "00",
                                        "000000000000000000007",
                                        "18446744073709551616",
                                        "18446744073709551623"};

/* A name that exists: in @directory, or in another one if that is empty. */
static const char *
pick_good_name (Worker *worker, const ModelDirectory *directory)
{
    const GPtrArray *children = directory->children;
    const ModelEntry *child;

    if (children->len == 0) {
        return worker_pick_record (worker, NULL)->name;
    }
    child = children->pdata[worker_random (worker, children->len)];
    return child->name;
}

/* A name that resembles a right one. g_free (). */
static char *
make_name (Worker *worker, const ModelDirectory *directory)
{
    const char *good = pick_good_name (worker, directory);
    size_t length = strlen (good);
    char *name;

    switch (worker_random (worker, 8)) {
    case 0: return g_strdup_printf ("0%s", good);
    case 1: return g_strdup_printf ("%s%s", good, good);
    case 2:
        return g_strdup_printf ("%" PRIu64,
                                directory->children->len + worker_random (worker, 2000));
    case 3: return g_strnfill (1 + worker_random (worker, 255), '7');
    case 4: return g_strndup (good, length - 1);
    case 5:
    case 6:
        name = g_strdup (good);
        name[worker_random (worker, length)] = (char)('.' + worker_random (worker, 80));
        return name;
    default: return g_strdup (malformed[worker_random (worker, G_N_ELEMENTS (malformed))]);
    }
}

static bool
is_special (const char *name)
{
    return *name == '\0' || strchr (name, '/') || strcmp (name, ".") == 0 ||
           strcmp (name, "..") == 0 || strcmp (name, CONTROL) == 0;
}

/* A record is not a directory. */
static void
check_below_record (Worker *worker, const ModelEntry *record)
{
    g_autofree char *path = model_path (record, NULL);
    g_autofree char *below = g_build_filename (path, "x", NULL);
    struct stat st;

    worker_expect_errno (worker, record, "a name below a record",
                         fstatat (worker->setup->root, below, &st, 0), ENOTDIR);
}

void
op_absent (Worker *worker)
{
    const ModelDirectory *directory = worker_pick_directory (worker);
    g_autofree char *name = make_name (worker, directory);
    g_autofree char *path = g_build_filename (directory->path, name, NULL);
    struct stat st;
    int result;

    if (is_special (name)) {
        check_below_record (worker, worker_pick_record (worker, NULL));
        return;
    }
    result = fstatat (worker->setup->root, path, &st, 0);
    if (!g_hash_table_contains (directory->found, name)) {
        g_autofree char *what = g_strdup_printf ("the absent name '%s'", name);

        worker_expect_errno (worker, directory->self, what, result, ENOENT);
    } else if (result != 0) {
        worker_complain (worker, directory->self, "the name '%s': found %s, expected it", name,
                         strerrorname_np (errno));
    }
}

/* ---- listings ---- */

static long
get_entries (const Worker *worker, const ModelDirectory *directory, int fd, size_t size)
{
    long got = syscall (SYS_getdents64, fd, worker->buffer, size);

    if (got < 0) {
        worker_complain (worker, directory->self, "getdents64: found %s, expected names",
                         strerrorname_np (errno));
    }
    return got;
}

static bool
is_dots (const char *name)
{
    return strcmp (name, ".") == 0 || strcmp (name, "..") == 0;
}

/* Index of the child that @entry names. */
static guint
check_entry (const Worker *worker, const ModelDirectory *directory,
             const struct dirent64 *entry)
{
    guint at = GPOINTER_TO_UINT (g_hash_table_lookup (directory->listed, entry->d_name));
    ModelEntry *child;

    if (at == 0) {
        worker_complain (worker, directory->self,
                         "listing: found '%s', expected only names that are there",
                         entry->d_name);
    }
    child = directory->children->pdata[at - 1];
    expect_number (worker, child, "kind in the listing", entry->d_type,
                   child->directory ? DT_DIR : DT_REG);
    expect_inode (worker, child, entry->d_ino);
    return at - 1;
}

static size_t
pick_listing_size (Worker *worker)
{
    return worker_random (worker, 2) ? 32768 : 300 + worker_random (worker, 4000);
}

/* Each name is listed once. */
void
op_list (Worker *worker)
{
    const ModelDirectory *directory = worker_pick_directory (worker);
    int fd = worker_open (worker, directory->self, NULL, O_RDONLY | O_DIRECTORY);
    g_autofree bool *seen = g_new0 (bool, directory->children->len + 1);
    size_t size = pick_listing_size (worker);
    guint n_seen = 0;
    long got;

    while ((got = get_entries (worker, directory, fd, size)) > 0) {
        for (long at = 0; at < got;) {
            const struct dirent64 *entry = (const struct dirent64 *)(worker->buffer + at);

            at += entry->d_reclen;
            if (!is_dots (entry->d_name)) {
                guint child = check_entry (worker, directory, entry);

                if (seen[child]) {
                    worker_complain (worker, directory->self,
                                     "listing: found '%s' twice, expected it once",
                                     entry->d_name);
                }
                seen[child] = true;
                n_seen++;
            }
        }
    }
    expect_number (worker, directory->self, "names listed", n_seen, directory->children->len);
    close (fd);
}

/* Takes a position from the @got bytes of listing in the buffer: after one entry and before
 * another. false: there is none. */
static bool
note_place (Worker *worker, HeldPlace *place, long got)
{
    const struct dirent64 *entry = (const struct dirent64 *)worker->buffer;
    long wanted = (long)worker_random (worker, (uint64_t)got), at = entry->d_reclen;

    if (at >= got) {
        return false;
    }
    for (;;) {
        const struct dirent64 *following = (const struct dirent64 *)(worker->buffer + at);

        if (at >= wanted || at + following->d_reclen >= got) {
            place->cookie = entry->d_off;
            g_strlcpy (place->next, following->d_name, sizeof place->next);
            return true;
        }
        entry = following;
        at += following->d_reclen;
    }
}

/* A position in the listing of a directory, after another such position. */
static void
take_place (Worker *worker, HeldPlace *place)
{
    const ModelDirectory *directory = worker_pick_directory (worker);
    unsigned batches = 1 + (unsigned)worker_random (worker, 8);
    int fd = worker_open (worker, directory->self, NULL, O_RDONLY | O_DIRECTORY);

    if (place->directory) {
        close (place->fd);
    }
    *place = (HeldPlace){.directory = directory, .fd = fd};
    while (batches-- > 0) {
        long got = get_entries (worker, directory, fd, 1024);

        if (got == 0 || !note_place (worker, place, got)) {
            return;
        }
    }
}

void
op_list_on (Worker *worker)
{
    HeldPlace *place = &worker->places[worker_random (worker, HELD_PLACES)];
    const struct dirent64 *entry = (const struct dirent64 *)worker->buffer;
    const char *found;
    long got;

    if (!place->directory || worker_random (worker, 16) == 0) {
        take_place (worker, place);
    }
    if (lseek (place->fd, place->cookie, SEEK_SET) != place->cookie) {
        worker_complain (worker, place->directory->self, "lseek: found %s, expected %" PRId64,
                         strerrorname_np (errno), place->cookie);
    }
    got = get_entries (worker, place->directory, place->fd, pick_listing_size (worker));
    found = got > 0 ? entry->d_name : "";
    if (strcmp (found, place->next) != 0) {
        worker_complain (worker, place->directory->self,
                         "listing from %" PRId64 ": found '%s', expected '%s'", place->cookie,
                         found, place->next);
    }
    if (!is_dots (found)) {
        check_entry (worker, place->directory, entry);
    }
}

/* ---- file handles ---- */

static void
take_handle (Worker *worker, HeldHandle *held)
{
    union {
        struct file_handle handle;
        uint8_t room[sizeof (struct file_handle) + HANDLE_SIZE];
    } named = {.handle = {.handle_bytes = HANDLE_SIZE}};
    const char *name = NULL;
    ModelEntry *entry = worker_random (worker, 8) ? worker_pick_record (worker, &name)
                                                  : worker_pick_directory (worker)->self;
    g_autofree char *path = model_path (entry, name);
    int mount_id;

    if (name_to_handle_at (worker->setup->root, path, &named.handle, &mount_id, 0) != 0) {
        worker_complain (worker, entry, "name_to_handle_at: found %s, expected a handle",
                         strerrorname_np (errno));
    }
    held->entry = entry;
    held->size = named.handle.handle_bytes;
    held->type = named.handle.handle_type;
    memcpy (held->bytes, named.handle.f_handle, held->size);
}

static int
open_handle (const Worker *worker, const HeldHandle *held)
{
    union {
        struct file_handle handle;
        uint8_t room[sizeof (struct file_handle) + HANDLE_SIZE];
    } named = {.handle = {.handle_bytes = held->size, .handle_type = held->type}};

    memcpy (named.handle.f_handle, held->bytes, held->size);
    return open_by_handle_at (worker->setup->root, &named.handle, O_RDONLY | O_CLOEXEC);
}

void
op_handle (Worker *worker)
{
    HeldHandle *held = &worker->handles[worker_random (worker, HELD_HANDLES)];
    struct stat st;
    int fd;

    if (!worker->setup->has_handles) {
        return;
    }
    if (!held->entry || worker_random (worker, 16) == 0) {
        take_handle (worker, held);
    }
    fd = open_handle (worker, held);
    if (fd < 0 || fstat (fd, &st) != 0) {
        worker_complain (worker, held->entry, "open_by_handle_at: found %s, expected a file",
                         strerrorname_np (errno));
    }
    check_stat (worker, held->entry, &st);
    if (!held->entry->directory) {
        op_read_some (worker, held->entry, fd);
    }
    close (fd);
}
