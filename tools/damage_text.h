/* A damage as text, the same in every command that tells of one. */
#pragma once

#include <arec/arec.h>

#include "output.h"

/* `FILE: at OFFSET: LENGTH bytes damaged: REASON; records A:B lost`, safe for a terminal.
 * g_free (). */
char *arec_damage_text (const char *path, const ArecDamage *damage);

/* The same as an object of JSON; numbers that are not known are null. */
void arec_damage_put_json (ArecOutput *out, const ArecDamage *damage);
