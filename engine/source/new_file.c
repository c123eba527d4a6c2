#include "source/new_file.h"

#include <arec/outputs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "base/autofd.h"
#include "base/phases.h"
#include "base/thread.h"

/* Hidden names that are tried before giving up. */
#define MAX_TRIES 100

/* Files that a signal's handler finds in one piece of its list. */
#define N_OF_PIECE 256

/* ---- what a signal has to undo ---- */

/* A handler may look at any time: the members are whole as long as is_there holds. What has
 * happened is seen in the directory, so that no moment lies between a call and its note. */
struct ArecUnfinished {
    _Atomic bool is_taken;
    _Atomic bool is_there;
    _Atomic bool is_final;          /* what has the name stays */
    ArecCommitPoint *_Atomic point; /* or that of all files says so; NULL: it is alone */
    int dir_fd;
    const char *name;
    dev_t dev;         /* of our file */
    _Atomic ino_t ino; /* 0 until it is known */
    char hidden[32];   /* empty: no hidden name */
};

/* A list that only grows: a handler may walk it at any time. */
typedef struct Piece Piece;
struct Piece {
    Piece *_Atomic next;
    ArecUnfinished files[N_OF_PIECE];
};

static Piece first_piece;

static _Atomic uint64_t n_complete;
static _Atomic uint64_t n_expected = UINT64_MAX;

void
arec_outputs_expect (uint64_t n)
{
    n_expected = n;
}

uint64_t
arec_outputs_n_complete (void)
{
    return n_complete;
}

void
arec_outputs_add_complete (void)
{
    n_complete++;
}

static ArecUnfinished *
take_in_piece (Piece *piece)
{
    for (size_t i = 0; i < N_OF_PIECE; i++) {
        bool is_taken = piece->files[i].is_taken;

        if (!is_taken &&
            atomic_compare_exchange_strong (&piece->files[i].is_taken, &is_taken, true)) {
            return &piece->files[i];
        }
    }
    return NULL;
}

/* The piece after @piece, which is made if there is none. NULL with errno set. */
static Piece *
next_piece (Piece *piece)
{
    Piece *next = piece->next, *made;

    if (next) {
        return next;
    }
    made = g_try_new0 (Piece, 1);
    if (!made) {
        errno = ENOMEM;
        return NULL;
    }
    if (!atomic_compare_exchange_strong (&piece->next, &next, made)) {
        g_free (made); /* another thread was faster */
        return next;
    }
    return made;
}

/* NULL with errno set. */
static ArecUnfinished *
take_unfinished (void)
{
    for (Piece *piece = &first_piece; piece; piece = next_piece (piece)) {
        ArecUnfinished *unfinished = take_in_piece (piece);

        if (unfinished) {
            return unfinished;
        }
    }
    return NULL;
}

static void
drop_unfinished (ArecNewFile *file)
{
    file->unfinished->is_there = false;
    file->unfinished->is_taken = false;
    file->unfinished = NULL;
}

typedef enum { NOTHING, OURS, ANOTHER } Occupant;

/* What has @name in the directory. */
static Occupant
occupant_of (const ArecUnfinished *unfinished, const char *name)
{
    struct stat st;

    if (*name == '\0' || fstatat (unfinished->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return NOTHING;
    }
    return st.st_ino == unfinished->ino && st.st_dev == unfinished->dev ? OURS : ANOTHER;
}

static bool
is_final (const ArecUnfinished *unfinished)
{
    const ArecCommitPoint *point = unfinished->point;

    return unfinished->is_final || (point && point->has_come);
}

/* Once ours has the name, another file under the hidden one is the old one. It keeps that name
 * if it cannot be brought back. */
static void
take_back (const ArecUnfinished *unfinished)
{
    int dir_fd = unfinished->dir_fd;
    const char *name = unfinished->name, *hidden = unfinished->hidden;
    bool is_placed = !is_final (unfinished) && occupant_of (unfinished, name) == OURS;

    if (is_placed && occupant_of (unfinished, hidden) == ANOTHER) {
        renameat (dir_fd, hidden, dir_fd, name);
        return;
    }
    if (is_placed) {
        unlinkat (dir_fd, name, 0);
    }
    if (hidden[0] != '\0') {
        unlinkat (dir_fd, hidden, 0);
    }
}

/* What a signal finds. */
typedef struct {
    bool has_unfinished, has_final, has_bound;
} Found;

static void
look_at (const ArecUnfinished *unfinished, Found *found)
{
    const ArecCommitPoint *point = unfinished->point;
    bool is_kept = is_final (unfinished);

    found->has_final |= is_kept;
    found->has_unfinished |= !is_kept;
    found->has_bound |= point && point->is_bound && !point->has_come;
}

static void
look_at_all (Found *found)
{
    for (const Piece *piece = &first_piece; piece; piece = piece->next) {
        for (size_t i = 0; i < N_OF_PIECE; i++) {
            if (piece->files[i].is_there) {
                look_at (&piece->files[i], found);
            }
        }
    }
}

static void
take_all_back (void)
{
    for (const Piece *piece = &first_piece; piece; piece = piece->next) {
        for (size_t i = 0; i < N_OF_PIECE; i++) {
            if (piece->files[i].is_there) {
                take_back (&piece->files[i]);
            }
        }
    }
}

static bool
goes_on (const Found *found)
{
    return n_complete >= n_expected || found->has_bound ||
           (n_expected == UINT64_MAX && found->has_final && !found->has_unfinished);
}

bool
arec_outputs_abort (void)
{
    int saved_errno = errno;
    Found found = {false};
    bool ends;

    look_at_all (&found);
    ends = !goes_on (&found);
    if (ends) {
        take_all_back();
    }
    errno = saved_errno;
    return ends;
}

/* ---- making ---- */

/* From now on a signal finds the file. */
static bool
begin_unfinished (ArecNewFile *file)
{
    ArecUnfinished *unfinished = take_unfinished();

    if (!unfinished) {
        return false;
    }
    unfinished->is_final = false;
    unfinished->point = file->point;
    unfinished->dir_fd = file->dir_fd;
    unfinished->name = file->name;
    unfinished->dev = 0;
    unfinished->ino = 0;
    unfinished->hidden[0] = '\0';
    unfinished->is_there = true;
    file->unfinished = unfinished;
    return true;
}

/* A file is known before it has the name. */
static bool
identify (ArecNewFile *file)
{
    struct stat st;

    if (fstat (file->fd, &st) != 0) {
        return false;
    }
    file->unfinished->dev = st.st_dev;
    file->unfinished->ino = st.st_ino;
    return true;
}

/* A file without a name gets one through its entry in /proc: the way that needs no privilege.
 */
static bool
open_nameless (ArecNewFile *file, mode_t mode)
{
    if (access ("/proc/self/fd", X_OK) != 0) {
        return false;
    }
    file->fd = openat (file->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, mode);
    file->is_nameless = file->fd >= 0;
    return file->is_nameless;
}

static bool
link_nameless (const ArecNewFile *file, const char *name)
{
    char path[64];

    snprintf (path, sizeof path, "/proc/self/fd/%d", file->fd);
    return linkat (AT_FDCWD, path, file->dir_fd, name, AT_SYMLINK_FOLLOW) == 0;
}

static bool
open_hidden (ArecNewFile *file, const char *name, mode_t mode)
{
    file->fd =
        openat (file->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    return file->fd >= 0;
}

/* @name  "": none. */
static void
set_hidden (ArecUnfinished *unfinished, const char *name)
{
    unfinished->is_there = false;
    g_strlcpy (unfinished->hidden, name, sizeof unfinished->hidden);
    unfinished->is_there = true;
}

/* Makes the file under a hidden name, or gives the nameless one such a name. Says that the name
 * is in use before it is, so that a signal in between finds it. */
static bool
make_hidden (ArecNewFile *file, mode_t mode)
{
    for (unsigned i = 0; i < MAX_TRIES; i++) {
        char name[sizeof file->unfinished->hidden];
        int saved_errno;

        snprintf (name, sizeof name, ".arec-%08" PRIx32 "%08" PRIx32, g_random_int(),
                  g_random_int());
        set_hidden (file->unfinished, name);
        if (file->is_nameless ? link_nameless (file, name) : open_hidden (file, name, mode)) {
            return true;
        }
        saved_errno = errno;
        set_hidden (file->unfinished, "");
        errno = saved_errno;
        if (errno != EEXIST) {
            return false;
        }
    }
    return false;
}

bool
arec_new_file_create (ArecNewFile *file, int dir_fd, const char *name, mode_t mode)
{
    *file = (ArecNewFile){.dir_fd = dir_fd, .name = name, .fd = -1};
    return open_nameless (file, mode) ||
           (begin_unfinished (file) && make_hidden (file, mode) && identify (file));
}

void
arec_new_file_aim (ArecNewFile *file, int dir_fd, const char *name)
{
    ArecUnfinished *unfinished = file->unfinished;

    file->dir_fd = dir_fd;
    file->name = name;
    if (unfinished) {
        unfinished->is_there = false;
        unfinished->dir_fd = dir_fd;
        unfinished->name = name;
        unfinished->is_there = true;
    }
}

void
arec_new_file_join (ArecNewFile *file, ArecCommitPoint *point)
{
    file->point = point;
    if (file->unfinished) {
        file->unfinished->point = point;
    }
}

/* A nameless file becomes known to a signal before it has a name. */
static bool
make_known (ArecNewFile *file)
{
    return file->unfinished || (begin_unfinished (file) && identify (file));
}

bool
arec_new_file_park (ArecNewFile *file)
{
    if (!make_known (file) || (file->is_nameless && !make_hidden (file, 0))) {
        return false;
    }
    file->is_nameless = false;
    arec_close_fd (&file->fd);
    return true;
}

bool
arec_new_file_reopen (ArecNewFile *file)
{
    if (file->fd < 0) {
        file->fd =
            openat (file->dir_fd, file->unfinished->hidden, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    }
    return file->fd >= 0;
}

/* ---- placing ---- */

/* Never onto another file. Filesystems that cannot say so in a rename have hard links. */
static bool
rename_to_free_name (ArecNewFile *file)
{
    const char *hidden = file->unfinished->hidden;
    bool done =
        renameat2 (file->dir_fd, hidden, file->dir_fd, file->name, RENAME_NOREPLACE) == 0 ||
        ((errno == EINVAL || errno == ENOSYS) &&
         linkat (file->dir_fd, hidden, file->dir_fd, file->name, 0) == 0 &&
         unlinkat (file->dir_fd, hidden, 0) == 0);

    if (done) {
        file->unfinished->hidden[0] = '\0';
    }
    return done;
}

/* Of several files all are counted together. */
static void
note_final (const ArecNewFile *file)
{
    if (file->point) {
        file->point->is_bound = true;
    } else {
        arec_outputs_add_complete();
    }
}

/* The old file is lost with the rename, so nothing is undone from there on. */
static bool
rename_over (ArecNewFile *file)
{
    ArecUnfinished *unfinished = file->unfinished;
    sigset_t before;
    bool done;

    arec_thread_hold_signals (&before);
    unfinished->is_final = true;
    done = renameat (file->dir_fd, unfinished->hidden, file->dir_fd, file->name) == 0;
    if (done) {
        unfinished->hidden[0] = '\0';
        note_final (file);
    } else {
        unfinished->is_final = false;
    }
    arec_thread_release_signals (&before);
    return done;
}

static bool
swap (ArecNewFile *file)
{
    if (renameat2 (file->dir_fd, file->unfinished->hidden, file->dir_fd, file->name,
                   RENAME_EXCHANGE) == 0) {
        return true;
    }
    /* The file system cannot, or the old file has gone. */
    return (errno == EINVAL || errno == ENOSYS || errno == ENOENT) &&
           arec_new_file_sync_name (file) && rename_over (file);
}

/* Whether the name may be taken away from what has it: a swap would take anything.
 * @is_free  (out) nothing has it. */
static bool
check_replaceable (const ArecNewFile *file, bool *is_free)
{
    struct stat st;

    *is_free = false;
    if (fstatat (file->dir_fd, file->name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        *is_free = errno == ENOENT;
        return *is_free;
    }
    errno = S_ISDIR (st.st_mode) ? EISDIR : EEXIST;
    return S_ISREG (st.st_mode);
}

/* A link cannot replace, a rename needs a name. */
static bool
place_over (ArecNewFile *file, ArecPlacing placing)
{
    return (!file->is_nameless || make_hidden (file, 0)) &&
           (placing == AREC_PLACE_SWAPPED ? swap (file) : rename_over (file));
}

static bool
place_new (ArecNewFile *file)
{
    return file->is_nameless ? link_nameless (file, file->name) : rename_to_free_name (file);
}

bool
arec_new_file_place (ArecNewFile *file, ArecPlacing placing)
{
    bool is_free = true;

    if (!make_known (file)) {
        return false;
    }
    if (placing != AREC_PLACE_NEW && !check_replaceable (file, &is_free)) {
        return false;
    }
    return is_free ? place_new (file) : place_over (file, placing);
}

/* Some filesystems have nothing to sync in a directory and say EINVAL. */
bool
arec_new_file_sync_name (const ArecNewFile *file)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_SYNCING);
    bool done = fsync (file->dir_fd) == 0 || errno == EINVAL;

    arec_phases_leave (mark);
    return done;
}

/* The old one, which a file that got its name by a rename has no more. */
static bool
remove_replaced (const ArecNewFile *file)
{
    const char *hidden = file->unfinished->hidden;

    return hidden[0] == '\0' || unlinkat (file->dir_fd, hidden, 0) == 0 || errno == ENOENT;
}

bool
arec_new_file_keep (ArecNewFile *file)
{
    ArecUnfinished *unfinished = file->unfinished;
    bool was_final = unfinished->is_final, done;
    sigset_t before;

    arec_thread_hold_signals (&before);
    unfinished->is_final = true;
    done = remove_replaced (file);
    if (done) {
        unfinished->hidden[0] = '\0';
        if (!was_final) {
            note_final (file);
        }
    } else {
        unfinished->is_final = was_final;
    }
    arec_thread_release_signals (&before);
    return done;
}

bool
arec_new_file_take_back (ArecNewFile *file)
{
    if (!file->unfinished) {
        return true;
    }
    take_back (file->unfinished);
    return occupant_of (file->unfinished, file->name) != OURS;
}

void
arec_new_file_discard (ArecNewFile *file)
{
    if (file->unfinished) {
        take_back (file->unfinished);
        drop_unfinished (file);
    }
    arec_close_fd (&file->fd);
}
