/* Becoming a daemon by our own fork, so that the parent can exit with what really happened.
 *
 * The parent owns the child until it exits: if it ends before, by whatever signal, the child
 * ends, too. Each holds an end of a socket, so neither can miss the other's death.
 */
#pragma once

/* Forks. The parent never returns: it waits for the child's report and exits with it. In the
 * child, the descriptor to report through; -1 when there is no fork, with errno set. Called
 * while the process has one thread. */
int arecfs_daemon_fork (void);

/* In the child, once: starts a thread that ends this process if the parent ends before it has
 * heard that all is well. Until arecfs_daemon_mounts () that is by _exit (), as nothing of ours
 * is to be seen anywhere yet and whoever opens a source may not hear anything else; afterwards
 * by a signal, as a user would. */
void arecfs_daemon_watch_parent (int report_fd);

/* In the child, once: from now on the end takes more than _exit (). Signals that end are held
 * already. */
void arecfs_daemon_mounts (void);

/* In the child, once: lets go of terminal, standard streams and working directory, then tells
 * the parent that all is well. */
void arecfs_daemon_ready (int report_fd);

/* In the child: tells the parent to exit with @exit_code. */
void arecfs_daemon_failed (int report_fd, int exit_code);
