namespace SellercloudOutput
{
    /// <summary>Specifies how the server encodes a file in the body of its response.</summary>
    public enum BodyEncoding
    {
        /// <summary>
        /// The body is base64 text, a JSON string of base64 text, or a JSON object whose member Content is base64 text.
        /// The first byte of the body decides which.
        /// </summary>
        Base64 = 401,

        /// <summary>The body is the file itself, byte for byte. The content is not checked.</summary>
        Raw = 402,

        /// <summary>
        /// The body is decoded as <see cref="Base64"/> if its first 64 KiB are valid for that, and as
        /// <see cref="Raw"/> otherwise. This is a guess: a raw file that contains only letters and digits may be
        /// decoded as base64.
        /// </summary>
        Auto = 403,
    }
}
