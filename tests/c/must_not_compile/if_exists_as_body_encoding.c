/* What to do with an existing file where an encoding is required. */
#include "sellercloud_output.h"

#ifdef WRONG
#define ENCODING SCO_IF_EXISTS_FAIL /* error: conversion */
#else
#define ENCODING SCO_BODY_RAW
#endif

sco_status set_encoding(sco_client_options *options)
{
    return sco_client_options_set_body_encoding(options, ENCODING, NULL);
}
