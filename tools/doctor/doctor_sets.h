/* ToolDoctorSets: the sets of shards among the files that were looked at. One thread. */
#pragma once

#include <stdint.h>

#include <glib.h>

#include <arec/arec.h>

#include "doctor/doctor_findings.h"

typedef struct {
    GPtrArray *sets; /* of ToolDoctorSet *, in the order of their first files */
} ToolDoctorSets;

void tool_doctor_sets_init (ToolDoctorSets *sets);
void tool_doctor_sets_clear (ToolDoctorSets *sets); /* takes zeroed ones */

/* The file @path, of @size bytes, is there. Nothing if its name is no shard's. */
void tool_doctor_sets_add (ToolDoctorSets *sets, const char *path, uint64_t size);

/* Takes what @list, which holds all files, says of the sets. Once, last. */
void tool_doctor_sets_check (ToolDoctorSets *sets, ArecSourceList *list);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ToolDoctorSets, tool_doctor_sets_clear)
