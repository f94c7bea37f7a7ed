/* A number field where a text field is required. */
#include "sellercloud_output.h"

#ifdef WRONG
#define FIELD SCO_JOB_NUMBER_PRIORITY /* error: conversion */
#else
#define FIELD SCO_JOB_TEXT_TYPE
#endif

const char *field_of(const sco_job *job)
{
    return sco_job_text(job, FIELD);
}
