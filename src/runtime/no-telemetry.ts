// ONNX Runtime reports to its maker what it is used for, unless this is set before it is loaded: nobody asked the user. Whoever has set it keeps it.
process.env.ORT_DISABLE_TELEMETRY ??= '1';
