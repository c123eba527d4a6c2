/* The operations of the hammer. Each does one random thing with the mount, compares the result
 * with the model, and complains (worker.h) if they differ. */
#pragma once

#include "worker.h"

/* reads.c: the bytes of records */
void op_read (Worker *worker);      /* opens, preads a few times, closes */
void op_read_held (Worker *worker); /* a descriptor that was opened long ago */
void op_read_steps (Worker *worker);
void op_read_direct (Worker *worker);
void op_map (Worker *worker);
/* Some reads of @fd, a descriptor of @entry: a part of other operations. */
void op_read_some (Worker *worker, const ModelEntry *entry, int fd);

/* names.c: names that exist, and names that do not */
void op_stat (Worker *worker);
void op_absent (Worker *worker);
void op_list (Worker *worker);
void op_list_on (Worker *worker); /* from a position that was taken long ago */
void op_handle (Worker *worker);  /* open_by_handle_at () */

/* rest.c */
void op_attribute (Worker *worker);
void op_refused (Worker *worker);
void op_control (Worker *worker);
void op_drop_caches (Worker *worker);
