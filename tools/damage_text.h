/* One line of text for a damage, the same in every command that tells of one. */
#pragma once

#include <arec/arec.h>

/* `FILE: at OFFSET: LENGTH bytes damaged: REASON; records A:B lost`, safe for a terminal.
 * g_free
 * (). */
char *arec_damage_text (const char *path, const ArecDamage *damage);
