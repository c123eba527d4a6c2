/* Outputs: what a command that writes a file is told as OUT, and how it is written.
 *
 * OUT is a path, or `-` for standard output; a file of that name is `./-`. A file appears under
 * its name when it is complete and durable, and a failure leaves what was there before. A
 * symbolic link is resolved and stays: what it leads to is made or replaced. A FIFO, a device
 * and an open descriptor (`-`, /dev/stdout, /dev/fd/N) are written straight, in order: what is
 * written can be seen at once and stays.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* All zeros: a new file, synced, of the mode 0666 & ~umask. A file that is replaced keeps its
 * mode and, where that is permitted, its owner and group; of its access control list only what
 * narrows the mode. */
typedef struct {
    bool replace; /* an existing file is replaced, a terminal is written to; else both fail */
    bool no_sync; /* nothing is forced to the disk: a crash of the system may lose the file */
    /* Permission bits that the output does not get, as what it is made of has not got them. */
    unsigned denied_mode;
    bool has_times;
    struct timespec times[2]; /* of access and modification, which a file gets */
} ArecOutputOptions;

/* Whether @out means the standard output of the process. */
AREC_PUBLIC bool arec_output_is_stdout (const char *out);

/* The file that @out means now.
 * @is_open  (out) it is an open descriptor: the file that is there is written into.
 * Returns false if there is none. */
AREC_PUBLIC bool arec_output_stat (const char *out, struct stat *st, bool *is_open);

/* Whether an output could be begun, as far as the names that exist say, for a caller that has
 * much to do before it is. @options  as it will have. Blocks on I/O. Errors: IO, a file is in
 * the way, or there is no folder for it. */
AREC_PUBLIC bool arec_output_check (const char *out, const ArecOutputOptions *options,
                                    GError **error);

/* ---- a signal that ends the process ---- */

/* An output is complete from the moment on at which nothing takes it back: it has its name,
 * durably if that was asked for, or its last byte is written. The shards of a set are one. */

/* Says how many outputs the process makes: once as many are complete, a signal has come too
 * late. May be called again, when there turn out to be fewer. UINT64_MAX, as at first: it is
 * not known. */
AREC_PUBLIC void arec_outputs_expect (uint64_t n);

/* How many are complete. Async-signal-safe. */
AREC_PUBLIC uint64_t arec_outputs_n_complete (void);

/* Counts one that the caller has made without the library. */
AREC_PUBLIC void arec_outputs_add_complete (void);

/* Undoes all outputs that are not complete: for the handler of the signal. Removes hidden
 * files, which only file systems without unnamed files have, and gives the target of a commit
 * that is under way its old contents. Returns false if the process has to go on: all outputs
 * are complete, or where their number is not known, there is nothing but one that is just
 * complete, or names of a set are given that cannot be taken back. Else it must end without
 * writing on. Async-signal-safe; the thread that begins and finishes outputs is the one that
 * was interrupted. */
AREC_PUBLIC bool arec_outputs_abort (void);

G_END_DECLS
