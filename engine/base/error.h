/* Making errors in one statement. The domain and its codes are public: arec/error.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include <arec/error.h>

/* As arec_fail () for what was found at @offset of @source: `SOURCE: at OFFSET: ...`. Programs
 * ask for the parts by arec_error_place (). */
bool arec_fail_place (GError **error, ArecError code, const char *source, uint64_t offset,
                      const char *format, ...) G_GNUC_PRINTF (5, 6);

/* The same for a failed system call: appends the text of @saved_errno. ENOENT, ENOTDIR, EACCES,
 * EPERM, ELOOP, EISDIR and ENAMETOOLONG become NOT_FOUND, ENOMEM becomes NOMEM, ESTALE becomes
 * CHANGED, all else IO. */
bool arec_fail_errno (GError **error, int saved_errno, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* Puts `@source: at @offset: ` in front of the message of a filled @error of ours, which then
 * has this place; returns false. */
bool arec_fail_at (GError **error, const char *source, uint64_t offset);

/* @error, of ours, is about a limit of this process, which another one may not have: it is not
 * of the file's bytes. */
void arec_error_blame_process (GError *error);

/* What was found, for a text that has named the file and the offset @known already. Returns
 * (transfer full). */
char *arec_error_reason_at (const GError *error, uint64_t known);
