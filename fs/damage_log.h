/* What was found damaged in this mount: one log line for each chunk that cannot be read,
 * however often it is met, and the text of damages.json.
 *
 * Thread-safe; its lock is held alone, without I/O. Bounded: of the first ARECFS_DAMAGES_KEPT
 * chunks all is kept, of further ones up to ARECFS_DAMAGES_KNOWN only that they were met, and
 * those beyond are not told. Lines are limited in rate.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "tree.h"

#define ARECFS_DAMAGES_KEPT 10000
#define ARECFS_DAMAGES_KNOWN 100000

/* Lines about damages, and as many about other failures, within ARECFS_DAMAGE_PERIOD. What is
 * left out is counted, and the count is logged afterwards, at the latest at the end. */
#define ARECFS_DAMAGE_LINES 100
#define ARECFS_DAMAGE_PERIOD (60 * G_USEC_PER_SEC)

/* Sound files that damages.json lists; damaged ones are all listed. */
#define ARECFS_SOUND_FILES_LISTED 10000

typedef struct ArecfsDamageLog ArecfsDamageLog;

ArecfsDamageLog *arecfs_damage_log_new (void);
void arecfs_damage_log_free (ArecfsDamageLog *log); /* takes NULL */

/* Logs @error as a warning unless one of the same source and offset was logged before. */
void arecfs_damage_log_report (ArecfsDamageLog *log, const GError *error);

/* The same of a failure to read @node, or to tell its size. Where it is a record, and its chunk
 * is what is wrong, that is remembered, and the line names the records that are lost.
 * Returns whether this says something new of the record: false for a damage that is known. */
bool arecfs_damage_log_report_node (ArecfsDamageLog *log, ArecfsTree *tree,
                                    const ArecfsNode *node, const GError *error);

/* As `arec verify --json` tells it: an object for each file that is open, with the chunks that
 * were found damaged. (transfer full) g_free () */
char *arecfs_damage_log_to_json (ArecfsDamageLog *log, ArecfsTree *tree);
