/* What was found damaged in this mount: one log line for each chunk that cannot be read,
 * however often it is met, and the text of damages.json.
 *
 * Thread-safe; its lock is held alone, without I/O. Bounded: of the first
 * ARECFS_DAMAGES_KEPT chunks everything is kept, of further ones up to ARECFS_DAMAGES_KNOWN
 * only that they were met, and later ones are not reported. Lines are limited in rate. A
 * chunk that was mended in its file leaves the list once it has been read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "tree/tree.h"

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

/* The same for a failure to read @node or to find its size. If @node is a record whose chunk is
 * damaged, the damage is remembered, and the line names the records that are lost.
 * Returns false for a damage that is known. */
bool arecfs_damage_log_report_node (ArecfsDamageLog *log, ArecfsTree *tree,
                                    const ArecfsNode *node, const GError *error);

/* Says that @node, a record, has been read: if its chunk is listed it was mended, and leaves
 * the list. Costs next to nothing while no chunk is listed. */
void arecfs_damage_log_note_read (ArecfsDamageLog *log, ArecfsTree *tree,
                                  const ArecfsNode *node);

/* The text of damages.json, in the form of `arec verify --json`: an object for each open file,
 * with the chunks that were found damaged.
 * Returns (transfer full) g_free (). */
char *arecfs_damage_log_to_json (ArecfsDamageLog *log, ArecfsTree *tree);
