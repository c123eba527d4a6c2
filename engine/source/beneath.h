/* Opening what a directory holds without being led astray by links that strangers put there.
 *
 * A symbolic link leads wherever it says if its owner is root or the user of this process, and
 * takes part in the path as links do. One of anybody else leads only below the directory that
 * was given: the one to begin with, or the one that a trusted link has led to. Links of /proc
 * that are no paths are not followed.
 *
 * Each part of a path is opened by itself, so that what is judged is what is followed, whoever
 * renames what meanwhile. Thread-safe.
 */
#pragma once

#include <fcntl.h>

#include <glib.h>

#include "source/access.h"

/* Which of the directories that are gone through count as passed, see access.h. */
typedef enum {
    AREC_PASSED_BY_LINK, /* those that only the link at the end of the path leads through */
    AREC_PASSED_ALL,     /* all from @top_fd on, for what is shown elsewhere */
} ArecPassed;

/* As openat () without O_NOFOLLOW; O_CLOEXEC is added. @name is relative; `.` is @top_fd.
 * @way  nullable: gets the directories passed; zeroed before.
 * -1 with errno: EXDEV when a stranger's link leads out. Blocks on I/O. */
int arec_beneath_open (int top_fd, const char *name, int flags, ArecPassed passed,
                       ArecWay *way);

/* What @saved_errno of it means; g_strerror () but for EXDEV. */
const char *arec_beneath_strerror (int saved_errno);
