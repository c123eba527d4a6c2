/* A source: bytes at positions, that is a table of calls over a file, memory, or a test's
 * invention.
 *
 * Thread-safe: any number of reads at the same time. The size is the one at opening. A source
 * that is no longer what was opened says CHANGED, and never mixes old bytes with new ones
 * within one call.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <glib.h>

#include <arec/cancel.h>

#include "source/range.h"

typedef struct ArecSource ArecSource;

typedef struct {
    /* Fills all of @iov from @offset; the range is within the size. A short read is an error.
     * Errors: IO, CHANGED, NOT_FOUND, with the source's name and the offset. May change @iov.
     */
    bool (*preadv) (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset,
                    GError **error);
    /* Whether the source still is what was opened, as far as its identity tells: CHANGED or IO
     * if not. May be NULL: it always is.
     * @stamp  (out) see arec_source_look (). */
    bool (*check) (ArecSource *source, uint64_t *stamp, GError **error);
    /* See arec_source_state (). May be NULL: it is always the same. */
    uint64_t (*state) (ArecSource *source);
    /* Whether a process is still writing it. May be NULL: none is. */
    bool (*is_being_written) (ArecSource *source);
    /* The first position from @offset on, within the size, that may hold anything but zeros;
     * the size or more if none does. May be NULL: nothing is known of holes. */
    uint64_t (*next_data) (ArecSource *source, uint64_t offset);
    /* See arec_source_window (). May be NULL: 0. */
    uint64_t (*window) (ArecSource *source);
    /* See arec_source_will_need (). NULL if @window is. */
    void (*will_need) (ArecSource *source, const ArecRange *ranges, size_t n,
                       ArecUrgency urgency);
    void (*free) (ArecSource *source);
} ArecSourceOps;

/* Embedded as the first member by each implementation. */
struct ArecSource {
    const ArecSourceOps *ops;
    char *name;           /* for messages; owned */
    uint64_t size;        /* bytes */
    bool is_slow;         /* each read may wait for a network */
    uint64_t identity;    /* a hash of what makes it this very file */
    uint64_t stamp;       /* as at opening, see arec_source_look () */
    struct stat st;       /* as at opening; zeros where there is no file */
    char *etag;           /* of an object of a server, with its quotes; owned; NULL: none */
    mode_t mode;          /* its permission bits, narrowed as in access.h; 0 without a file */
    char *_Atomic change; /* what the first failed check said, for ever; NULL: none failed */
    struct ArecSourceCounters *counters; /* nullable, not owned */
    const ArecCancel *cancel; /* of one thread that has the source for itself: once it is set,
                                 reads are CANCELLED. Nullable, not owned */
};

/* Reads of one or many sources. Relaxed atomics. */
typedef struct ArecSourceCounters {
    _Atomic uint64_t reads; /* calls */
    _Atomic uint64_t bytes; /* given */
} ArecSourceCounters;

/* Longest vector of one arec_source_preadv (): Linux's UIO_MAXIOV. */
#define AREC_MAX_IOV 1024

/* Reads all of @iov at @offset; beyond the source's size is CORRUPT (truncated). Blocks on I/O.
 */
bool arec_source_preadv (ArecSource *source, struct iovec *iov, int n_iov, uint64_t offset,
                         GError **error);
bool arec_source_pread (ArecSource *source, void *buffer, size_t size, uint64_t offset,
                        GError **error);
/* Whether the source has the identity that it had at opening: CHANGED or IO if not.
 * @stamp  (out) moves with everything that happens to the source, be it that no byte changes.
 * While it stays, the bytes do, unless they are written in ways that the system does not tell
 * of. One that has moved proves nothing: a caller that has read bytes compares them with what
 * is there now, and calls arec_source_set_changed () if they differ. */
bool arec_source_look (ArecSource *source, uint64_t *stamp, GError **error);
/* What moves the stamp and is no byte, in one number: mode, owner, links, whether its name
 * still leads to it. One that differs explains why the stamp has moved, which is no proof that
 * nothing else has happened. */
uint64_t arec_source_state (ArecSource *source);
/* As arec_source_look () for those who have read nothing. */
bool arec_source_check (ArecSource *source, GError **error);
/* From now on the source is CHANGED. @message tells how, unless it was known already; then it
 * returns false. */
bool arec_source_set_changed (ArecSource *source, const char *message);
/* Where the bytes from @offset on, within the size, may be others than zeros: @offset, or
 * behind a hole of a sparse file, as far as the system tells of holes; at most the source's
 * size. */
uint64_t arec_source_next_data (ArecSource *source, uint64_t offset);
/* Bytes that should be on their way ahead of a reader, so that it does not wait; moves as the
 * source learns what its line gives. 0: naming what will be read is worth nothing, as reads do
 * not wait for a network. */
uint64_t arec_source_window (ArecSource *source);
/* Tells a source with a window that @n ranges within its size will be read. Returns at once,
 * and promises nothing: a read of such bytes asks for those that are not on their way. Bytes
 * that are named again are asked for once. */
void arec_source_will_need (ArecSource *source, const ArecRange *ranges, size_t n,
                            ArecUrgency urgency);
/* Whether the source grows, as far as the system tells: it has changed since it was opened, or
 * a process has it open for writing. For explaining a failure; may miss writers elsewhere. */
bool arec_source_is_being_written (ArecSource *source);
/* Says CHANGED of a source that has changed, in the words of the first time; returns false. */
bool arec_source_fail_changed (const ArecSource *source, GError **error);
void arec_source_free (ArecSource *source); /* takes NULL */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSource, arec_source_free)
