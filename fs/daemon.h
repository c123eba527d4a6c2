/* Becoming a daemon by our own fork, so that the parent can exit with what really happened.
 *
 * Called while the process has one thread.
 */
#pragma once

/* Forks. The parent never returns: it waits for the child's report and exits with it. In the
 * child, the descriptor to report through; -1 when there is no fork, with errno set. */
int arecfs_daemon_fork (void);

/* In the child, once: lets go of terminal, standard streams and working directory, then tells
 * the parent that all is well. */
void arecfs_daemon_ready (int report_fd);

/* In the child: tells the parent to exit with @exit_code. */
void arecfs_daemon_failed (int report_fd, int exit_code);
