/* Words of a command line as a shell reads them. Pure. */
#pragma once

#include <glib.h>

/* @text so that a shell takes it for one word, on one line and safe for a terminal: as it
 * stands, else in '', else, with control characters or bytes that are not UTF-8, in $'' as bash
 * and zsh know it. Returns (transfer full). */
char *tool_doctor_words_quote (const char *text);

/* The words of @argv, quoted, with spaces between. Returns (transfer full). */
char *tool_doctor_words_join (char *const *argv);

/* @path as an operand: one that begins with a dash gets `./`. Returns (transfer full). */
char *tool_doctor_words_operand (const char *path);
