/* ArecFileSet: files that get their names together, all of them or none.
 *
 *     place, place ...  ->  sync the directory  ->  the names stay  ->  replaced files go
 *     a failure or a signal up to here takes every name back
 *
 * Where the file system cannot exchange two names, a file that was replaced cannot come back:
 * then the message of a failure says which names are there. Everything slow is done before the
 * commit, when a sink is completed.
 *
 * One thread at a time. Any number of files: beyond a part of the descriptors that the process
 * may have, files wait for their names under hidden ones.
 */
#pragma once

#include <stddef.h>

#include "source/sink.h"

typedef struct ArecFileSet ArecFileSet;

ArecFileSet *arec_file_set_new (void);
/* Takes NULL. Without a commit no file stays. */
void arec_file_set_free (ArecFileSet *set);

/* Adds the complete file sink @sink, which is taken over, also on failure. Errors: IO. */
bool arec_file_set_add (ArecFileSet *set, ArecSink *sink, GError **error);

/* As arec_file_sink_set_path () of file @i, in order of the calls of add. */
bool arec_file_set_set_path (ArecFileSet *set, size_t i, const char *path, GError **error);

/* Gives all files their names, in order. Called once, last. Blocks until they are durable.
 * Errors: IO. */
bool arec_file_set_commit (ArecFileSet *set, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecFileSet, arec_file_set_free)
