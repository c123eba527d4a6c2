/* The directory .arecfs: files whose content is made when they are looked up.
 *
 * Files are not opened here (no-open), so the kernel would keep a file's first content for
 * ever. Each look-up therefore makes a new node with a snapshot of exact size, which lives
 * until the kernel forgets it. A thread that looks a file up to see what it is, and again to
 * open it, gets the same node both times: cp refuses to copy a file that has become another.
 *
 * Snapshots are bounded in number and bytes. Beyond the bounds the least recently used ones go;
 * a file that is still open on one of these is stale.
 *
 * Thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <glib.h>

#include <arec/engine.h>

#include "base/ownership.h"
#include "count/counters.h"
#include "count/damage_log.h"
#include "tree/tree.h"

#define ARECFS_CONTROL_NAME ".arecfs"

typedef struct ArecfsControl ArecfsControl;

/* The sources of the texts, which outlive the directory, and the owner of the directory. */
typedef struct {
    const ArecfsCounters *counters;
    ArecEngine *engine;
    ArecfsDamageLog *damage;
    ArecfsTree *tree;
    ArecfsOwnership ownership; /* unless it says otherwise: the server's, and read by all */
} ArecfsControlOptions;

ArecfsControl *arecfs_control_new (const ArecfsControlOptions *options);
void arecfs_control_free (ArecfsControl *control); /* takes NULL */

/* Takes a snapshot of the file @name. Returns its node, with one more look-up that the kernel
 * has to forget, or 0: no such file. The node is new, unless @caller has looked the file up
 * before and its node has not been read yet.
 * @caller  a thread; 0: it has no number here, as it is of another PID namespace. */
uint64_t arecfs_control_lookup (ArecfsControl *control, const char *name, pid_t caller);
void arecfs_control_forget (ArecfsControl *control, uint64_t ino, uint64_t n);

/* Attributes of the directory or of a node. false: the node is forgotten or stale. */
bool arecfs_control_stat (ArecfsControl *control, uint64_t ino, struct stat *st);

/* Up to @size bytes of a node's snapshot from @offset.
 * Returns (transfer full) g_free (); NULL: the node is forgotten or stale. */
char *arecfs_control_read (ArecfsControl *control, uint64_t ino, uint64_t offset, size_t size,
                           size_t *got);

/* The name of file @i; NULL past the last. */
const char *arecfs_control_name (size_t i);
