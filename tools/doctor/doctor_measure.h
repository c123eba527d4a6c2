/* Measures how the places of a file are read: from the file alone, at random, and in order.
 *
 * One thread at a time. Whatever is measured is in the system's page cache by then, and not in
 * the engine's: what a read costs beside the device.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include <arec/arec.h>

#include "doctor/doctor_layout.h"

/* A file that is opened again and again, so that nothing of it is in a cache. */
typedef struct {
    ArecSourceList *list;
    size_t file; /* of it */
    const ArecReaderOptions *options;
} ToolDoctorSource;

typedef struct {
    double pread_us;  /* a chunk, read from the file; 0: it could not be */
    double random_us; /* the median of reads of one record; 0: none could be read */
    double mb_s;      /* records in order, by one thread; 0: none could be read */
} ToolDoctorTimes;

/* @damages  (nullable) takes a GError * of each chunk that cannot be read because of its bytes;
 *           the others are measured.
 * Errors: those of arec_reader_open (); IO, CHANGED, NOMEM. Blocks on I/O. */
bool tool_doctor_measure (const ToolDoctorSource *source, const ToolDoctorLayout *layout,
                          GPtrArray *damages, ToolDoctorTimes *times, GError **error);

/* Decodes all records of @source in order. @damages  as above. Errors: as above. Blocks. */
bool tool_doctor_measure_all (const ToolDoctorSource *source, GPtrArray *damages,
                              GError **error);
