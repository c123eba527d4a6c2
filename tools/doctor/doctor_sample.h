/* Records of the places of a file, kept in memory so that they can be written anew. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "bench/bench_data.h"
#include "doctor/doctor_layout.h"

/* Copies records of @reader: whole places of @layout, spread evenly, as far as @most bytes go;
 * one record in any case, unless it has more than 16 MiB. What cannot be read is left out.
 * @messages  (out) the part of them that may be messages, from 0 to 1.
 * @data      (out) zeroed; tool_bench_data_clear () in any case. No record if there is no
 *            memory. Blocks on I/O. */
void tool_doctor_sample_take (ToolBenchData *data, ArecReader *reader,
                              const ToolDoctorLayout *layout, uint64_t most, double *messages);
