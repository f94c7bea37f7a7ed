namespace SellercloudOutput
{
    /// <summary>How the server writes files into its answers.</summary>
    public enum BodyEncoding
    {
        /// <summary>
        /// Base64 text, that as a JSON string, or a JSON object that holds it as Content; told apart by the first byte.
        /// </summary>
        Base64 = 0,

        /// <summary>The file, byte for byte. Nothing is checked.</summary>
        Raw = 1,

        /// <summary>
        /// <see cref="Base64"/> if the body's first 64 KiB can be that, else <see cref="Raw"/>. A guess: a raw file of
        /// nothing but letters and digits may be taken for base64.
        /// </summary>
        Auto = 2,
    }
}
