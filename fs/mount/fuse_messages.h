/* libfuse's own messages: while mounting they are the reason that its calls do not return,
 * afterwards lines of the log.
 */
#pragma once

/* From now on the last one is kept and not logged. */
void arecfs_fuse_messages_keep (void);

/* What was kept; "" if nothing was. */
const char *arecfs_fuse_messages_kept (void);

/* From now on they are logged. */
void arecfs_fuse_messages_log (void);
