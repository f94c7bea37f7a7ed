// The files and names that both servers serve.
using System;
using System.IO;
using System.Linq;
using System.Text;

/// <summary>The files, which the tests generate in the same way.</summary>
static class TestFile
{
    public static readonly byte[] Bytes = Noise(100003);

    static readonly Lazy<byte[]> Large = new Lazy<byte[]>(
        () => Encoding.ASCII.GetBytes(Convert.ToBase64String(Noise(64 << 20))));

    /// <summary>A file of 64 MiB in base64.</summary>
    public static byte[] LargeBase64 { get { return Large.Value; } }

    /// <summary>The body of a truncated response: 400,000 characters of base64.</summary>
    public static readonly byte[] BrokenBase64 = Encoding.ASCII.GetBytes(Convert.ToBase64String(Noise(300000)));

    /// <summary>A file whose content must not appear in error messages.</summary>
    public const string Customers = "Name,Email\r\nAlice Miller,alice@example.com\r\n";

    /// <summary>The bytes of xorshift64, as in tests/mock_server/src/fixtures.rs.</summary>
    static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        ulong state = 0x9e3779b97f4a7c15;
        for (int at = 0; at < length; at += 8)
        {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            for (int i = 0; i < 8 && at + i < length; i++) bytes[at + i] = (byte)(state >> (8 * i));
        }
        return bytes;
    }
}

sealed class Name
{
    /// <summary>The way in which the server writes it, described in names.tsv.</summary>
    public string Way;
    public string Text;
}

/// <summary>The table of names.</summary>
static class Names
{
    /// <summary>The job id of the first name.</summary>
    public const int FirstId = 1000;

    public static Name[] All;

    public static void Read(string path)
    {
        All = File.ReadAllLines(path)
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split('\t'))
            .Select(cells => new Name { Way = cells[0], Text = cells[1] })
            .ToArray();
    }
}
