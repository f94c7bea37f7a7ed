namespace SellercloudOutput
{
    /// <summary>The C enumeration sco_job_text_field.</summary>
    internal enum JobTextField
    {
        Type = 201,
        CompanyName = 202,
        ErrorMessage = 203,
        SubmittedOn = 204,
        StartedOn = 205,
        CompletedOn = 206,
        OutputFile = 207,
        InputFile = 208,
    }

    /// <summary>The C enumeration sco_job_number_field.</summary>
    internal enum JobNumberField
    {
        CompanyId = 301,
        Priority = 302,
        TotalRecords = 303,
        TotalProcessed = 304,
        TotalSucceeded = 305,
        TotalFailed = 306,
        TotalPhases = 307,
        CurrentPhase = 308,
        TotalItemsInPhase = 309,
        TotalProcessedInPhase = 310,
    }
}
