/* One log line for a damage, however often it is met. Thread-safe; bounded. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

typedef struct ArecfsDamageLog ArecfsDamageLog;

ArecfsDamageLog *arecfs_damage_log_new (void);
void arecfs_damage_log_free (ArecfsDamageLog *log); /* takes NULL */

/* Logs @error as a warning unless one of the same source and offset was logged before. */
void arecfs_damage_log_report (ArecfsDamageLog *log, const GError *error);
