/* A signal that ends the program: SIGINT, SIGTERM or SIGHUP.
 *
 * While one output of the command is not complete, the signal undoes what is not, reports how
 * many are there, and ends the program with code 1. Once all are, it has come too late: the
 * command reports what it has made, and ends as if there had been no signal.
 *
 * The library counts (arec/outputs.h). Threads other than the program's first one block these
 * signals, and only the first one begins and finishes outputs.
 */
#pragma once

#include <signal.h>
#include <stdint.h>

/* Catches signals from now on; those that are ignored already stay so. */
void tool_interrupt_begin (void);

/* Says how many outputs the command makes, before it begins the first.
 * @folder  (nullable) what the line about them begins with.
 * @state   how it ends: for `are done` it is `FOLDER: 1 of 3 files are done`. NULL: there is no
 *          such line, as with one output. */
void tool_interrupt_expect (uint64_t n, const char *folder, const char *state);

/* Everything is done, with fewer outputs perhaps. */
void tool_interrupt_expect_no_more (void);

/* Writes that line now, if there is one: for a failure after which some outputs stay. */
void tool_interrupt_tell (void);

/* @cleanup  async-signal-safe; what a signal undoes that the library does not know. NULL:
 *           nothing. */
void tool_interrupt_set_cleanup (void (*cleanup) (void));

/* For a few short calls that a signal must not come between. @before  (out) for the release. */
void tool_interrupt_hold (sigset_t *before);
void tool_interrupt_release (const sigset_t *before);
