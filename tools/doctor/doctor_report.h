/* What is found, as lines and as JSON. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "doctor/doctor_findings.h"
#include "frame/output.h"

/* A file: what it is, and its @findings, of ToolDoctorFinding *; then commands. */
void tool_doctor_report_put_file (ToolOutput *out, const ToolDoctorCase *one,
                                  const GPtrArray *findings);
void tool_doctor_report_put_file_json (ToolOutput *out, const ToolDoctorCase *one,
                                       const GPtrArray *findings);

/* A set of shards. In JSON it has no layout. */
void tool_doctor_report_put_set (ToolOutput *out, const ToolDoctorSet *set,
                                 const GPtrArray *findings);
void tool_doctor_report_put_set_json (ToolOutput *out, const ToolDoctorSet *set,
                                      const GPtrArray *findings);
