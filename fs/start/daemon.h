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
 * heard that all is well. Until arecfs_daemon_mounts () it ends by _exit (): nothing of ours
 * can be seen yet, and a thread that opens a source may react to nothing else. Afterwards it
 * ends by a signal, as a user would end it. */
void arecfs_daemon_watch_parent (int report_fd);

/* In the child, once: from now on the end takes more than _exit (). Signals that end are held
 * already. */
void arecfs_daemon_mounts (void);

/* In the child, once: closes standard streams, leaves terminal and working directory, then
 * reports success to the parent. */
void arecfs_daemon_ready (int report_fd);

/* In the child: makes the parent exit with @exit_code. */
void arecfs_daemon_failed (int report_fd, int exit_code);
