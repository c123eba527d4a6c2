/* Which way a READ goes: a push that has to do with its record, a lane for READs that keep a
 * thread for long, or the calling thread. */
#pragma once

#include "read/read.h"

/* Answers @read, or has it answered by a copy of it. */
void arecfs_route_read (const ArecfsRead *read);
