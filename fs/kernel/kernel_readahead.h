/* How far ahead the kernel reads a file that is read in order: what FUSE negotiates is 128 KiB
 * at most, which makes eight requests of what can be one.
 */
#pragma once

/* Makes it 1 MiB, the largest READ, for the FUSE mount on device @minor; says so at level info
 * where that is not permitted. Sends no request to the mount. */
void arecfs_kernel_readahead_raise (unsigned minor);
