/* A damage as text, the same in every command. */
#pragma once

#include <arec/arec.h>

#include "frame/output.h"

/* `FILE: at OFFSET: LENGTH bytes damaged: REASON; records A:B lost`, safe for a terminal;
 * for a file of another format only the format. g_free (). */
char *tool_damage_text (const char *path, const ArecDamage *damage);

/* The same as an object of JSON; numbers that are not known are null. */
void tool_damage_text_put_json (ToolOutput *out, const ArecDamage *damage);
