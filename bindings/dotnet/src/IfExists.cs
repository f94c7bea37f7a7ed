namespace SellercloudOutput
{
    /// <summary>What to do where a file of the same name is there already.</summary>
    public enum IfExists
    {
        /// <summary>Fail with <see cref="SellercloudErrorKind.Io"/>, and leave it alone.</summary>
        Fail = 0,

        /// <summary>Replace it. Who has it open goes on reading the old one.</summary>
        Replace = 1,

        /// <summary>Save as the first that is free of "report (1).csv", "report (2).csv"...</summary>
        Number = 2,
    }
}
