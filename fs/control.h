/* The directory .arecfs: files whose content is made when they are looked up.
 *
 * Under no-open the kernel would keep a file's first content for ever, so each look-up makes a
 * new node with a snapshot of exact size, which lives until the kernel forgets it. But a thread
 * that looks a file up to see what it is, and again to open it, gets one node: cp refuses to
 * copy another. Snapshots are bounded in number and bytes: of those that are kept open, the
 * ones that were not used for longest go, and are stale to whoever comes back to them.
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <glib.h>

#include "counters.h"
#include "damage_log.h"
#include "tree.h"

#define ARECFS_CONTROL_NAME ".arecfs"

typedef struct ArecfsControl ArecfsControl;

/* What the texts are made of, which outlives the directory, and whose it is. */
typedef struct {
    const ArecfsCounters *counters;
    ArecEngine *engine;
    ArecfsDamageLog *damage;
    ArecfsTree *tree;
    bool has_uid, has_gid, has_umask; /* else: the server's, and read by all */
    bool has_fmask, has_dmask;        /* before umask, of files and of the directory */
    uid_t uid;
    gid_t gid;
    mode_t umask, fmask, dmask;
} ArecfsControlOptions;

ArecfsControl *arecfs_control_new (const ArecfsControlOptions *options);
void arecfs_control_free (ArecfsControl *control); /* takes NULL */

/* A node for the file @name with a snapshot of now, known to the kernel once more: a new one,
 * unless there is one that @caller, a thread, has looked up and nobody has read yet; 0 are
 * threads that have no number here, of another PID namespace. 0: no such file. */
uint64_t arecfs_control_lookup (ArecfsControl *control, const char *name, pid_t caller);
void arecfs_control_forget (ArecfsControl *control, uint64_t ino, uint64_t n);

/* Attributes of the directory or of a node. false: the kernel has forgotten it, or it is stale.
 */
bool arecfs_control_stat (ArecfsControl *control, uint64_t ino, struct stat *st);

/* Up to @size bytes of a node's snapshot from @offset. g_free (); NULL: there is no such node.
 */
char *arecfs_control_read (ArecfsControl *control, uint64_t ino, uint64_t offset, size_t size,
                           size_t *got);

/* The name of file @i, NULL behind the last. */
const char *arecfs_control_name (size_t i);
